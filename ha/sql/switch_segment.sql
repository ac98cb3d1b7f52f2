-- End the segment of WAL that is being written, so that it is archived.
SELECT pg_walfile_name(pg_switch_wal()) AS segment
