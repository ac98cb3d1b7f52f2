-- Write WAL that commits, so that a moment to restore to has a commit after it.
SELECT pg_logical_emit_message(true, 'evergrid', 'restore')::text AS lsn
