-- For the session of a canary, and no other: see warden_canary.sql.
SET synchronous_commit = local
