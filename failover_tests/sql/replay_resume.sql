-- End what keeps replay paused, let it go on.
SELECT count(pg_terminate_backend(pid)) AS ended,
       (SELECT pg_wal_replay_resume() IS NULL) AS resumed
  FROM pg_stat_activity
 WHERE application_name = 'replay-paused'
