-- The newest segment of WAL that was archived.
SELECT last_archived_wal FROM pg_stat_archiver
