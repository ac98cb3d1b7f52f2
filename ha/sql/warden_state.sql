-- What a server is: whether it is in recovery, the position written or replayed, its timeline, whose
-- WAL it receives, whether any has come in this stream yet, how long that has been silent, how old
-- its newest commit is (0: nothing waits).
SELECT pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery()
            THEN coalesce(pg_last_wal_replay_lsn(), '0/0') ELSE pg_current_wal_lsn() END - '0/0',
       CASE WHEN pg_is_in_recovery() THEN coalesce(receiver.received_tli, 0)
            ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
       CASE WHEN receiver.status = 'streaming' THEN receiver.sender_host END,
       coalesce(receiver.status = 'streaming' AND receiver.written_lsn IS NOT NULL, false),
       extract(epoch FROM clock_timestamp() - receiver.last_msg_receipt_time),
       CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
  FROM (SELECT) AS once
  LEFT JOIN pg_stat_wal_receiver AS receiver ON true
