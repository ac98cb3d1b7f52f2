-- Where canaries are written; made by the first one that finds it missing.
CREATE SCHEMA IF NOT EXISTS warden;
CREATE TABLE IF NOT EXISTS warden.canary (host text PRIMARY KEY, written_at timestamptz NOT NULL)
