-- name: read_something
-- Read from a table of the schema: a database without it is not ready. Index: bureau_pkey.
SELECT EXISTS (SELECT 1 FROM evergrid.bureau WHERE bureau_id = 1);

-- name: write_something
-- Draw a transaction number, which only a primary that accepts writes can. It leaves no row and does
-- not wait for a standby: a probe that gave up waiting would leave a server connection behind each time.
SELECT pg_current_xact_id();
