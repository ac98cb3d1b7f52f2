-- name: bill_by_no
-- Read one bill; the month and the account inside its number name the partition and the row.
-- Indexes: account_account_no_key, bill_pkey.
SELECT bill.consumption_kwh, bill.amount_fen, receivable.open_fen, bill.issued_at, bill.due_on,
       bill.previous_read_at, bill.previous_register, bill.read_at, bill.register, bill.multiplier,
       version.legal_document, bill.cancels_serial,
       (SELECT mirror.serial
          FROM evergrid.bill AS mirror
         WHERE mirror.bureau_id = bill.bureau_id
           AND mirror.account_id = bill.account_id
           AND mirror.month = %(month)s
           AND mirror.cancels_serial = bill.serial),
       EXISTS (SELECT
                 FROM evergrid.meter
                 JOIN evergrid.reading AS guessed ON guessed.bureau_id = meter.bureau_id
                                                 AND guessed.meter_id = meter.meter_id
                WHERE meter.bureau_id = account.bureau_id
                  AND meter.account_id = account.account_id
                  AND guessed.read_at = bill.read_at
                  AND guessed.register = bill.register
                  AND guessed.source = 'estimate'),
       EXISTS (SELECT
                 FROM evergrid.meter
                 JOIN evergrid.reading AS guessed ON guessed.bureau_id = meter.bureau_id
                                                 AND guessed.meter_id = meter.meter_id
                WHERE meter.bureau_id = account.bureau_id
                  AND meter.account_id = account.account_id
                  AND guessed.read_at = bill.previous_read_at
                  AND (guessed.register = bill.previous_register
                       OR meter.removed_at > bill.previous_read_at
                      AND meter.removed_at < bill.read_at)
                  AND guessed.source = 'estimate'),
       (SELECT meter.asset_no
          FROM evergrid.meter
         WHERE meter.bureau_id = account.bureau_id
           AND meter.account_id = account.account_id
           AND meter.installed_at < bill.read_at
         ORDER BY meter.installed_at DESC
         LIMIT 1),
       bill.corrects_serial, bill.energy_correction_id,
       (SELECT coalesce(array_agg(correcting.serial ORDER BY correcting.serial), '{}')
          FROM evergrid.bill AS correcting
         WHERE correcting.bureau_id = bill.bureau_id
           AND correcting.account_id = bill.account_id
           AND correcting.month = %(month)s
           AND correcting.corrects_serial = bill.serial),
       bill.power_factor, bill.lost_kwh, bill.reactive_kvarh
  FROM evergrid.account
  JOIN evergrid.bill ON bill.bureau_id = account.bureau_id
                    AND bill.account_id = account.account_id
  JOIN evergrid.receivable ON receivable.bureau_id = bill.bureau_id
                          AND receivable.account_id = bill.account_id
                          AND receivable.month = bill.month
                          AND receivable.serial = bill.serial
  JOIN evergrid.catalogue_version AS version
    ON version.catalogue_version_id = bill.catalogue_version_id
 WHERE account.account_no = %(account_no)s
   AND bill.month = %(month)s
   AND bill.bill_no = %(bill_no)s;

-- name: lines_of_bill
-- Read the lines of one bill, in their order. Indexes: account_account_no_key, bill_pkey, bill_line_pkey.
SELECT line.component, line.period, line.tier, coalesce(line.quantity, line.quantity_kwh),
       line.unit, (line.price_yuan_per_kwh * 100000000)::bigint, line.amount_fen, line.is_levy,
       version.catalogue_version_id::text, line.days, version.legal_document,
       nullif(version.category, account.category)
  FROM evergrid.account
  JOIN evergrid.bill ON bill.bureau_id = account.bureau_id
                    AND bill.account_id = account.account_id
  JOIN evergrid.bill_line AS line ON line.bureau_id = bill.bureau_id
                                 AND line.account_id = bill.account_id
                                 AND line.month = bill.month
                                 AND line.serial = bill.serial
  JOIN evergrid.catalogue_version AS version ON version.catalogue_version_id =
       coalesce(line.catalogue_version_id, bill.catalogue_version_id)
 WHERE account.account_no = %(account_no)s
   AND bill.month = %(month)s
   AND bill.serial = %(serial)s
 ORDER BY line.position;

-- name: removed_meters_of_bill
-- Read the meters that were removed in the time of a bill, the oldest first: where each began to measure for
-- it, where it ended, how often it began again at zero; as was known when the bill was issued. A bill ends at a
-- reading, so the next begins at one. Indexes: account_account_no_key, meter_by_account, the primary keys.
SELECT gone.asset_no, gone.removed_at, gone.digits, gone.decimals, gone.multiplier,
       coalesce((array_agg(known.register ORDER BY taken.read_at)
                 FILTER (WHERE taken.read_at = %(previous_read_at)s::timestamptz))[1],
                gone.initial_register),
       (array_agg(known.register) FILTER (WHERE taken.read_at = gone.removed_at))[1],
       count(*) FILTER (WHERE known.rolled_over
                          AND taken.read_at > %(previous_read_at)s::timestamptz)
  FROM evergrid.account
  JOIN evergrid.meter AS gone ON gone.bureau_id = account.bureau_id
                             AND gone.account_id = account.account_id
  JOIN evergrid.reading AS taken ON taken.bureau_id = gone.bureau_id
                                AND taken.meter_id = gone.meter_id
                                AND taken.read_at >= %(previous_read_at)s::timestamptz
  LEFT JOIN LATERAL (
       SELECT superseding.register, superseding.rolled_over
         FROM evergrid.superseding_reading AS superseding
         JOIN evergrid.reading_correction_event AS event
           ON event.reading_correction_id = superseding.reading_correction_id
        WHERE superseding.bureau_id = taken.bureau_id
          AND superseding.meter_id = taken.meter_id
          AND superseding.read_at = taken.read_at
          AND event.step = 'approved'
          AND event.happened_at <= %(issued_at)s::timestamptz
        ORDER BY superseding.approval DESC
        LIMIT 1) AS newer ON true
 CROSS JOIN LATERAL (SELECT coalesce(newer.register, taken.register) AS register,
                            coalesce(newer.rolled_over, taken.rolled_over) AS rolled_over) AS known
 WHERE account.account_no = %(account_no)s
   AND gone.removed_at > %(previous_read_at)s::timestamptz
   AND gone.removed_at < %(read_at)s::timestamptz
 GROUP BY gone.bureau_id, gone.meter_id
 ORDER BY gone.installed_at;

-- name: registers_of_bill
-- Read what other registers showed at both ends of their meters' parts of a bill, how often each began again at
-- zero, of demand the highest; as was known when the bill was issued. Indexes: account_account_no_key,
-- meter_by_account, the primary keys.
SELECT meter.asset_no, counter.period, meter.digits, meter.decimals, meter.multiplier,
       coalesce((array_agg(known.register)
                 FILTER (WHERE taken.read_at = %(previous_read_at)s::timestamptz))[1],
                counter.initial_register),
       CASE counter.period
            WHEN 'demand' THEN max(known.register) FILTER (WHERE taken.read_at > %(previous_read_at)s::timestamptz)
            ELSE (array_agg(known.register ORDER BY taken.read_at DESC))[1] END,
       count(*) FILTER (WHERE known.rolled_over
                          AND taken.read_at > %(previous_read_at)s::timestamptz)
  FROM evergrid.account
  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                     AND meter.account_id = account.account_id
                     AND meter.installed_at < %(read_at)s::timestamptz
                     AND coalesce(meter.removed_at, 'infinity') > %(previous_read_at)s::timestamptz
  JOIN evergrid.meter_register AS counter ON counter.bureau_id = meter.bureau_id
                                         AND counter.meter_id = meter.meter_id
  JOIN evergrid.register_reading AS taken
    ON taken.bureau_id = counter.bureau_id
   AND taken.meter_id = counter.meter_id
   AND taken.period = counter.period
   AND taken.read_at >= %(previous_read_at)s::timestamptz
   AND taken.read_at <= least(%(read_at)s::timestamptz, meter.removed_at)
  LEFT JOIN LATERAL (
       SELECT superseding.register, superseding.rolled_over
         FROM evergrid.superseding_register_reading AS superseding
         JOIN evergrid.reading_correction_event AS event
           ON event.reading_correction_id = superseding.reading_correction_id
        WHERE superseding.bureau_id = taken.bureau_id
          AND superseding.meter_id = taken.meter_id
          AND superseding.read_at = taken.read_at
          AND superseding.period = taken.period
          AND event.step = 'approved'
          AND event.happened_at <= %(issued_at)s::timestamptz
        ORDER BY superseding.approval DESC
        LIMIT 1) AS newer ON true
 CROSS JOIN LATERAL (SELECT coalesce(newer.register, taken.register) AS register,
                            coalesce(newer.rolled_over, taken.rolled_over) AS rolled_over) AS known
 WHERE account.account_no = %(account_no)s
 GROUP BY meter.bureau_id, meter.meter_id, counter.bureau_id, counter.meter_id, counter.period
 ORDER BY meter.installed_at, counter.period;

-- name: account_by_no
-- Find an account that the caller may see. Index: account_account_no_key.
SELECT bureau_id, account_id
  FROM evergrid.account
 WHERE account_no = %(account_no)s;

-- name: bills_of_account
-- Read an account's bills, newest first, from a month and serial on downwards; the receivable beside
-- each bill names its partition. Indexes: receivable_pkey, bill_pkey.
SELECT receivable.bill_no, receivable.month, bill.consumption_kwh, receivable.amount_fen,
       receivable.open_fen, bill.issued_at, receivable.due_on,
       receivable.is_in_force OR receivable.is_correction, receivable.is_correction, receivable.serial
  FROM evergrid.receivable
  JOIN LATERAL (SELECT issued.consumption_kwh, issued.issued_at
                  FROM evergrid.bill AS issued
                 WHERE issued.bureau_id = receivable.bureau_id
                   AND issued.account_id = receivable.account_id
                   AND issued.month = receivable.month
                   AND issued.serial = receivable.serial
                 LIMIT 1) AS bill ON true
 WHERE receivable.bureau_id = %(bureau_id)s
   AND receivable.account_id = %(account_id)s
   AND (receivable.month, receivable.serial) < (%(before_month)s::date, %(before_serial)s::bigint)
 ORDER BY receivable.month DESC, receivable.serial DESC
 LIMIT %(limit)s;

-- name: numbers_of_month
-- Read the numbers of a month's bills in force, by account. Index: receivable_pkey.
SELECT receivable.account_id, receivable.bill_no::text
  FROM evergrid.receivable
 WHERE receivable.bureau_id = %(bureau_id)s
   AND receivable.account_id > %(after_id)s::bigint
   AND receivable.month = %(month)s
   AND receivable.is_in_force
 ORDER BY receivable.account_id
 LIMIT %(limit)s;
