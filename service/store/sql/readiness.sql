-- name: read_something
-- Read from a table of the schema: a database without it is not ready. Index: bureau_pkey.
SELECT EXISTS (SELECT 1 FROM evergrid.bureau WHERE bureau_id = 1);

-- name: write_something
-- Draw a transaction number and ask for a lock that only a transaction that may write gets. It leaves
-- no row and does not wait for a standby: a probe that gave up waiting would leave a server connection
-- behind each time. Index: account_account_id_key.
SELECT pg_current_xact_id(),
       (SELECT account_id FROM evergrid.account WHERE account_id = 0 FOR UPDATE);
