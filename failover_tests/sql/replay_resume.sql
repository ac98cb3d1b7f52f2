-- Let this replica replay on.
SELECT pg_wal_replay_resume() AS resumed
