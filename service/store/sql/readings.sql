-- name: lock_meters
-- Lock the meters of accounts with what they show, always in the order of their keys, so that two
-- batches wait for each other instead of locking each other out. Index: account_account_no_key,
-- meter_bureau_id_account_id_key, meter_state_pkey.
SELECT account.account_no::text, state.bureau_id, state.meter_id, meter.digits, meter.decimals,
       state.read_at, state.register,
       coalesce((state.read_at, state.register) = (state.estimated_at, state.estimated_register), false)
  FROM evergrid.account
  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                     AND meter.account_id = account.account_id
  JOIN evergrid.meter_state AS state ON state.bureau_id = meter.bureau_id
                                    AND state.meter_id = meter.meter_id
 WHERE account.account_no = ANY (%(account_nos)s::bpchar[])
 ORDER BY state.bureau_id, state.meter_id
   FOR UPDATE OF state;

-- name: readings_open_from
-- Read the first month that readings are kept of, from the name of its partition (reading_YYYYMM).
SELECT to_date(min(right(part.relname, 6)), 'YYYYMM')
  FROM pg_catalog.pg_inherits AS inherits
  JOIN pg_catalog.pg_class AS part ON part.oid = inherits.inhrelid
 WHERE inherits.inhparent = 'evergrid.reading'::regclass;

-- name: keep_readings
-- Keep readings of locked meters, beside what each of those shows after its newest.
WITH kept AS (
    INSERT INTO evergrid.reading (bureau_id, meter_id, read_at, register, rolled_over, source,
                                  principal_id, recorded_at)
    SELECT new.bureau_id, new.meter_id, new.read_at, new.register, new.rolled_over, new.source,
           %(principal_id)s::integer, %(now)s::timestamptz
      FROM jsonb_to_recordset(%(readings)s::jsonb) AS new (
               bureau_id smallint, meter_id bigint, read_at timestamptz, register numeric,
               rolled_over boolean, source text)
)
UPDATE evergrid.meter_state AS state
   SET read_at = shown.read_at, register = shown.register
  FROM jsonb_to_recordset(%(states)s::jsonb) AS shown (
           bureau_id smallint, meter_id bigint, read_at timestamptz, register numeric)
 WHERE state.bureau_id = shown.bureau_id
   AND state.meter_id = shown.meter_id;

-- name: lock_meter
-- Lock what the account's meter shows, so that no reading comes in between. Index: meter_state_pkey.
SELECT 1
  FROM evergrid.account
  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                     AND meter.account_id = account.account_id
  JOIN evergrid.meter_state AS state ON state.bureau_id = meter.bureau_id
                                    AND state.meter_id = meter.meter_id
 WHERE account.account_no = %(account_no)s
   FOR UPDATE OF state;

-- name: account_is_there
-- Tell if whoever asks sees the account. Index: account_account_no_key.
SELECT 1
  FROM evergrid.account
 WHERE account.account_no = %(account_no)s;
