-- How many segments of WAL wait to be archived.
SELECT count(*) FROM pg_ls_dir('pg_wal/archive_status', true, false) AS file
 WHERE file LIKE '%.ready'
