-- For how many seconds the oldest transaction of a client has been open.
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
