-- The processes that receive WAL from a host: one, or none.
SELECT pid FROM pg_stat_wal_receiver WHERE sender_host = %s
