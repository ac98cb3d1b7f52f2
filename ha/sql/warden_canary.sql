-- The row by which a warden proves that its server takes writes. On this host's disk alone: waiting
-- for replicas would say nothing about this server, and nothing else relies on the row.
INSERT INTO warden.canary VALUES (%s, clock_timestamp())
    ON CONFLICT (host) DO UPDATE SET written_at = excluded.written_at
