-- Keep replay paused: asked for fifty times a second, because Patroni lets it go on within a second.
SELECT pg_wal_replay_pause(), pg_sleep(0.02) FROM generate_series(1, 30000)
