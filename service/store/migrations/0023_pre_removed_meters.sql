-- Meters are exchanged: an account has one running meter at a time, and those it had before. A file of its own,
-- because nobody reads meters while it is at work; what follows lets them.
ALTER TABLE evergrid.meter
    ADD COLUMN removed_at timestamptz,
    ADD CONSTRAINT meter_removed_later CHECK (removed_at > installed_at) NOT VALID;
-- Beside the register that is locked for each reading: who has waited for it sees this anew.
ALTER TABLE evergrid.meter_state ADD COLUMN is_removed boolean NOT NULL DEFAULT false;
