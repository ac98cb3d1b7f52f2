-- Let this replica replay nothing more.
SELECT pg_wal_replay_pause() AS paused
