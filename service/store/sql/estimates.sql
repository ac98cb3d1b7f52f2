-- name: standing
-- Read what an estimate is made from: the meter, its newest reading, how many estimates in a row that
-- one is the last of (one that was corrected is none any more), where the newest bill in force ends. A statement of its own: what it sees must be
-- younger than the locks. Indexes: account_account_no_key, the primary keys.
SELECT account.bureau_id, account.account_id, meter.meter_id, meter.digits, meter.decimals,
       meter.multiplier,
       (SELECT min(first.installed_at)
          FROM evergrid.meter AS first
         WHERE first.bureau_id = account.bureau_id
           AND first.account_id = account.account_id),
       state.read_at, state.register,
       (SELECT count(*)
          FROM evergrid.reading_in_force AS guessed
         WHERE guessed.bureau_id = meter.bureau_id
           AND guessed.meter_id = meter.meter_id
           AND guessed.read_at > coalesce(
               (SELECT max(known.read_at)
                  FROM evergrid.reading_in_force AS known
                 WHERE known.bureau_id = meter.bureau_id
                   AND known.meter_id = meter.meter_id
                   AND (known.source <> 'estimate' OR known.first_register IS NOT NULL)),
               meter.installed_at)),
       (SELECT max(bill.read_at)
          FROM evergrid.receivable
          JOIN evergrid.bill ON bill.bureau_id = receivable.bureau_id
                            AND bill.account_id = receivable.account_id
                            AND bill.month = receivable.month
                            AND bill.serial = receivable.serial
         WHERE receivable.bureau_id = account.bureau_id
           AND receivable.account_id = account.account_id
           AND receivable.is_in_force),
       state.read_at = meter.installed_at
       AND EXISTS (SELECT
                     FROM evergrid.meter_exchange AS exchange
                    WHERE exchange.bureau_id = meter.bureau_id
                      AND exchange.installed_id = meter.meter_id),
       EXISTS (SELECT
                 FROM evergrid.meter_register AS counter
                WHERE counter.bureau_id = meter.bureau_id
                  AND counter.meter_id = meter.meter_id)
  FROM evergrid.account
  JOIN evergrid.running_meter AS meter ON meter.bureau_id = account.bureau_id
                                      AND meter.account_id = account.account_id
  JOIN evergrid.meter_state AS state ON state.bureau_id = meter.bureau_id
                                    AND state.meter_id = meter.meter_id
 WHERE account.account_no = %(account_no)s;

-- name: history
-- Read the months of the newest bills in force, with the energy that was read for each. Indexes: receivable_pkey, bill_pkey.
SELECT receivable.month, bill.read_kwh
  FROM evergrid.receivable
  JOIN LATERAL (SELECT issued.consumption_kwh - issued.lost_kwh AS read_kwh
                  FROM evergrid.bill AS issued
                 WHERE issued.bureau_id = receivable.bureau_id
                   AND issued.account_id = receivable.account_id
                   AND issued.month = receivable.month
                   AND issued.serial = receivable.serial
                 LIMIT 1) AS bill ON true
 WHERE receivable.bureau_id = %(bureau_id)s
   AND receivable.account_id = %(account_id)s
   AND receivable.is_in_force
 ORDER BY receivable.month DESC
 LIMIT %(limit)s;

-- name: keep_estimate
-- Keep an estimate of a locked meter as its newest reading, with what it came from.
WITH kept AS (
    INSERT INTO evergrid.reading (bureau_id, meter_id, read_at, register, rolled_over, source,
                                  principal_id, recorded_at)
    VALUES (%(bureau_id)s, %(meter_id)s, %(read_at)s::timestamptz, %(register)s::numeric,
            %(rolled_over)s, 'estimate', %(principal_id)s, %(now)s::timestamptz)
    RETURNING bureau_id, meter_id, read_at, register
), moved AS (
    UPDATE evergrid.meter_state AS state
       SET read_at = kept.read_at, register = kept.register, estimated_at = kept.read_at,
           estimated_register = kept.register
      FROM kept
     WHERE state.bureau_id = kept.bureau_id
       AND state.meter_id = kept.meter_id
)
INSERT INTO evergrid.reading_estimate (bureau_id, meter_id, read_at, month, consumption_kwh, method,
                                       basis, reason, principal_id, made_at)
SELECT kept.bureau_id, kept.meter_id, kept.read_at, %(month)s::date, %(kwh)s, %(method)s,
       %(basis)s::jsonb, %(reason)s, %(principal_id)s, %(now)s::timestamptz
  FROM kept;

-- name: estimates_before
-- Read an account's estimates, the newest first. Indexes: account_account_no_key, the primary keys.
SELECT estimate.month, estimate.read_at, reading.register, estimate.consumption_kwh, estimate.method,
       estimate.basis::text, estimate.reason, principal.name, estimate.made_at
  FROM evergrid.account
  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                     AND meter.account_id = account.account_id
  JOIN evergrid.reading_estimate AS estimate ON estimate.bureau_id = meter.bureau_id
                                            AND estimate.meter_id = meter.meter_id
  JOIN evergrid.reading ON reading.bureau_id = estimate.bureau_id
                       AND reading.meter_id = estimate.meter_id
                       AND reading.read_at = estimate.read_at
  JOIN evergrid.principal ON principal.principal_id = estimate.principal_id
 WHERE account.account_no = %(account_no)s
   AND estimate.read_at < %(before)s::timestamptz
 ORDER BY estimate.read_at DESC
 LIMIT %(limit)s;
