-- name: standing
-- Read how a reading stands: between its neighbours, under the account's bills, with the request for its
-- correction that nobody decided about. A statement of its own: what it sees must be younger than the
-- locks. Indexes: account_account_no_key, the primary keys, reading_correction_by_reading.
SELECT account.bureau_id, meter.meter_id, meter.digits, meter.decimals, reading.read_at,
       reading.register, reading.rolled_over, coalesce(previous.register, meter.initial_register),
       following.register, following.rolled_over,
       (SELECT max(bill.read_at)
          FROM evergrid.receivable
          JOIN evergrid.bill ON bill.bureau_id = receivable.bureau_id
                            AND bill.account_id = receivable.account_id
                            AND bill.month = receivable.month
                            AND bill.serial = receivable.serial
         WHERE receivable.bureau_id = account.bureau_id
           AND receivable.account_id = account.account_id
           AND receivable.is_in_force),
       (SELECT correction.reading_correction_id
          FROM evergrid.reading_correction AS correction
         WHERE correction.bureau_id = reading.bureau_id
           AND correction.meter_id = reading.meter_id
           AND correction.read_at = reading.read_at
           AND NOT EXISTS (SELECT
                             FROM evergrid.reading_correction_event AS decided
                            WHERE decided.reading_correction_id = correction.reading_correction_id
                              AND decided.step <> 'requested')
         LIMIT 1)
  FROM evergrid.account
  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                     AND meter.account_id = account.account_id
  JOIN evergrid.reading_in_force AS reading ON reading.bureau_id = meter.bureau_id
                                           AND reading.meter_id = meter.meter_id
  LEFT JOIN LATERAL (
       SELECT earlier.register
         FROM evergrid.reading_in_force AS earlier
        WHERE earlier.bureau_id = reading.bureau_id
          AND earlier.meter_id = reading.meter_id
          AND earlier.read_at < reading.read_at
        ORDER BY earlier.read_at DESC
        LIMIT 1) AS previous ON true
  LEFT JOIN LATERAL (
       SELECT later.register, later.rolled_over
         FROM evergrid.reading_in_force AS later
        WHERE later.bureau_id = reading.bureau_id
          AND later.meter_id = reading.meter_id
          AND later.read_at > reading.read_at
        ORDER BY later.read_at
        LIMIT 1) AS following ON true
 WHERE account.account_no = %(account_no)s
   AND reading.read_at = %(read_at)s::timestamptz;

-- name: standing_by_period
-- Read how the registers of periods stand in a reading of a meter, between those beside it. Younger than the
-- locks, as `standing`. Indexes: the primary keys.
SELECT counter.period, shown.register, shown.rolled_over,
       coalesce(previous.register, counter.initial_register), following.register,
       following.rolled_over
  FROM evergrid.meter_register AS counter
  JOIN evergrid.register_reading_in_force AS shown ON shown.bureau_id = counter.bureau_id
                                                  AND shown.meter_id = counter.meter_id
                                                  AND shown.period = counter.period
  LEFT JOIN LATERAL (
       SELECT earlier.register
         FROM evergrid.register_reading_in_force AS earlier
        WHERE earlier.bureau_id = shown.bureau_id
          AND earlier.meter_id = shown.meter_id
          AND earlier.period = shown.period
          AND earlier.read_at < shown.read_at
        ORDER BY earlier.read_at DESC
        LIMIT 1) AS previous ON true
  LEFT JOIN LATERAL (
       SELECT later.register, later.rolled_over
         FROM evergrid.register_reading_in_force AS later
        WHERE later.bureau_id = shown.bureau_id
          AND later.meter_id = shown.meter_id
          AND later.period = shown.period
          AND later.read_at > shown.read_at
        ORDER BY later.read_at
        LIMIT 1) AS following ON true
 WHERE counter.bureau_id = %(bureau_id)s
   AND counter.meter_id = %(meter_id)s
   AND shown.read_at = %(read_at)s::timestamptz
 ORDER BY counter.period;

-- name: add_correction
-- Record what a reading shall say.
INSERT INTO evergrid.reading_correction (bureau_id, meter_id, read_at, register_before, register,
                                         rolled_over, is_confirmed, periods)
VALUES (%(bureau_id)s, %(meter_id)s, %(read_at)s::timestamptz, %(register_before)s::numeric,
        %(register)s::numeric, %(rolled_over)s, %(is_confirmed)s, %(periods)s::jsonb)
RETURNING reading_correction_id;

-- name: add_event
-- Record a step, behind those before.
INSERT INTO evergrid.reading_correction_event (reading_correction_id, position, bureau_id, step,
                                               principal_id, happened_at, reason)
SELECT correction.reading_correction_id,
       (SELECT count(*) + 1
          FROM evergrid.reading_correction_event AS event
         WHERE event.reading_correction_id = correction.reading_correction_id),
       correction.bureau_id, %(step)s, %(principal_id)s, %(happened_at)s::timestamptz, %(reason)s
  FROM evergrid.reading_correction AS correction
 WHERE correction.reading_correction_id = %(correction_no)s;

-- name: correct
-- Correct a reading whose correction was asked for.
SELECT evergrid.correct_reading(%(correction_no)s, %(principal_id)s, %(happened_at)s::timestamptz);

-- name: correction_by_no
-- Read what a correction is about. Indexes: the primary keys.
SELECT account.account_no::text, correction.read_at, correction.register_before,
       correction.register, correction.rolled_over, correction.is_confirmed, correction.periods
  FROM evergrid.reading_correction AS correction
  JOIN evergrid.meter ON meter.bureau_id = correction.bureau_id
                     AND meter.meter_id = correction.meter_id
  JOIN evergrid.account ON account.bureau_id = meter.bureau_id
                       AND account.account_id = meter.account_id
 WHERE correction.reading_correction_id = %(correction_no)s;

-- name: events_of_correction
-- Read the steps of a correction, the oldest first. Indexes: the primary keys.
SELECT event.step, principal.name, event.happened_at, event.reason
  FROM evergrid.reading_correction_event AS event
  JOIN evergrid.principal ON principal.principal_id = event.principal_id
 WHERE event.reading_correction_id = %(correction_no)s
 ORDER BY event.position;

-- name: corrections_before
-- Read corrections, the newest first, each with its last step. Indexes: the primary keys.
SELECT correction.reading_correction_id, last.step, account.account_no::text, correction.read_at,
       correction.register
  FROM evergrid.reading_correction AS correction
  JOIN evergrid.meter ON meter.bureau_id = correction.bureau_id
                     AND meter.meter_id = correction.meter_id
  JOIN evergrid.account ON account.bureau_id = meter.bureau_id
                       AND account.account_id = meter.account_id
  JOIN LATERAL (SELECT event.step
                  FROM evergrid.reading_correction_event AS event
                 WHERE event.reading_correction_id = correction.reading_correction_id
                 ORDER BY event.position DESC
                 LIMIT 1) AS last ON true
 WHERE correction.reading_correction_id < %(before_no)s::bigint
 ORDER BY correction.reading_correction_id DESC
 LIMIT %(limit)s;

-- name: readings_before
-- Read the readings of an account's meters as they are in force, the newest first. Index: the primary keys.
SELECT reading.read_at, reading.register, reading.rolled_over, reading.source,
       reading.first_register, meter.asset_no,
       (SELECT jsonb_object_agg(counter.period, trim_scale(counter.register)::text)
          FROM evergrid.register_reading_in_force AS counter
         WHERE counter.bureau_id = reading.bureau_id
           AND counter.meter_id = reading.meter_id
           AND counter.read_at = reading.read_at)
  FROM evergrid.account
  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                     AND meter.account_id = account.account_id
  JOIN evergrid.reading_in_force AS reading ON reading.bureau_id = meter.bureau_id
                                           AND reading.meter_id = meter.meter_id
 WHERE account.account_no = %(account_no)s
   AND reading.read_at < %(before)s::timestamptz
 ORDER BY reading.read_at DESC
 LIMIT %(limit)s;
