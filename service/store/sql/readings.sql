-- name: lock_meters
-- Lock the running meters of accounts with what they show, always in the order of their keys, so that two
-- batches wait for each other instead of locking each other out. Index: account_account_no_key,
-- meter_running, meter_state_pkey.
SELECT account.account_no::text, state.bureau_id, state.meter_id, meter.digits, meter.decimals,
       state.read_at, state.register,
       coalesce((state.read_at, state.register) = (state.estimated_at, state.estimated_register), false),
       EXISTS (SELECT
                 FROM evergrid.meter_register AS counter
                WHERE counter.bureau_id = meter.bureau_id
                  AND counter.meter_id = meter.meter_id)
  FROM evergrid.account
  JOIN evergrid.running_meter AS meter ON meter.bureau_id = account.bureau_id
                                      AND meter.account_id = account.account_id
  JOIN evergrid.meter_state AS state ON state.bureau_id = meter.bureau_id
                                    AND state.meter_id = meter.meter_id
 WHERE account.account_no = ANY (%(account_nos)s::bpchar[])
   AND NOT state.is_removed
 ORDER BY state.bureau_id, state.meter_id
   FOR UPDATE OF state;

-- name: registers_of_meters
-- Read what the registers of periods of locked meters showed last. A statement of its own: what it sees must be
-- younger than the locks. Indexes: the primary keys.
SELECT counter.meter_id, counter.period, coalesce(newest.register, counter.initial_register)
  FROM unnest(%(meter_ids)s::bigint[], %(read_at)s::timestamptz[]) AS asked (meter_id, read_at)
  JOIN evergrid.meter ON meter.meter_id = asked.meter_id
  JOIN evergrid.meter_register AS counter ON counter.bureau_id = meter.bureau_id
                                         AND counter.meter_id = meter.meter_id
  LEFT JOIN evergrid.register_reading_in_force AS newest ON newest.bureau_id = counter.bureau_id
                                                        AND newest.meter_id = counter.meter_id
                                                        AND newest.read_at = asked.read_at
                                                        AND newest.period = counter.period;

-- name: pasts
-- Read what new readings of accounts are compared with: where the newest bill in force ended, how often
-- the register began again since, what the newest bills came to in how many days; of accounts that
-- have bills enough, and the meter of those. Indexes: account_account_no_key, meter_running, the primary keys.
SELECT account.account_no::text, meter.multiplier, used.read_at, used.register,
       (SELECT count(*)
          FROM evergrid.reading_in_force AS passed
         WHERE passed.bureau_id = meter.bureau_id
           AND passed.meter_id = meter.meter_id
           AND passed.read_at > used.read_at
           AND passed.rolled_over),
       used.kwh, used.days
  FROM evergrid.account
  JOIN evergrid.running_meter AS meter ON meter.bureau_id = account.bureau_id
                                      AND meter.account_id = account.account_id
  JOIN LATERAL (
       SELECT count(*) AS bills, sum(newest.read_kwh)::bigint AS kwh,
              sum((newest.read_at AT TIME ZONE 'Asia/Shanghai')::date
                  - (newest.previous_read_at AT TIME ZONE 'Asia/Shanghai')::date)::bigint AS days,
              max(newest.read_at) AS read_at,
              (array_agg(newest.register ORDER BY newest.month DESC))[1] AS register
         FROM (SELECT issued.month, issued.read_kwh, issued.read_at, issued.previous_read_at,
                      issued.register
                 FROM evergrid.receivable AS last
                 JOIN LATERAL (SELECT bill.month, bill.consumption_kwh - bill.lost_kwh AS read_kwh, bill.read_at,
                                      bill.previous_read_at, bill.register
                                 FROM evergrid.bill
                                WHERE bill.bureau_id = last.bureau_id
                                  AND bill.account_id = last.account_id
                                  AND bill.month = last.month
                                  AND bill.serial = last.serial
                                LIMIT 1) AS issued ON true
                WHERE last.bureau_id = account.bureau_id
                  AND last.account_id = account.account_id
                  AND last.is_in_force
                ORDER BY last.month DESC
                LIMIT %(bills_compared)s::bigint) AS newest) AS used
       ON used.bills = %(bills_compared)s::bigint
      AND used.read_at > meter.installed_at
 WHERE account.account_no = ANY (%(account_nos)s::bpchar[]);

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
), by_period AS (
    INSERT INTO evergrid.register_reading (bureau_id, meter_id, read_at, period, register, rolled_over)
    SELECT new.bureau_id, new.meter_id, new.read_at, shown.period, shown.register, shown.rolled_over
      FROM jsonb_to_recordset(%(readings)s::jsonb) AS new (
               bureau_id smallint, meter_id bigint, read_at timestamptz, periods jsonb),
           jsonb_to_recordset(new.periods) AS shown (
               period text, register numeric, rolled_over boolean)
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
  JOIN evergrid.running_meter AS meter ON meter.bureau_id = account.bureau_id
                                      AND meter.account_id = account.account_id
  JOIN evergrid.meter_state AS state ON state.bureau_id = meter.bureau_id
                                    AND state.meter_id = meter.meter_id
 WHERE account.account_no = %(account_no)s
   AND NOT state.is_removed
   FOR UPDATE OF state;

-- name: account_is_there
-- Tell if whoever asks sees the account. Index: account_account_no_key.
SELECT 1
  FROM evergrid.account
 WHERE account.account_no = %(account_no)s;
