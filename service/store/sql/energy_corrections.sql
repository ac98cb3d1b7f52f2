-- name: standing
-- Read what a correction of an account's energy is judged by: a request that nobody decided about, a correction in
-- force that shares a day with it, what all that were approved within a year came to. A statement of
-- its own: what it sees must be younger than the lock. Indexes: account_account_no_key,
-- energy_correction_by_account, energy_correction_by_reversed, the primary keys.
SELECT account.bureau_id, account.account_id, account.category, account.opened_on,
       (SELECT waiting.energy_correction_id
          FROM evergrid.energy_correction AS waiting
         WHERE waiting.bureau_id = account.bureau_id
           AND waiting.account_id = account.account_id
           AND NOT EXISTS (SELECT
                             FROM evergrid.energy_correction_event AS decided
                            WHERE decided.energy_correction_id = waiting.energy_correction_id
                              AND decided.step <> 'requested')
         LIMIT 1),
       (SELECT before.energy_correction_id
          FROM evergrid.energy_correction_in_force AS before
         WHERE before.bureau_id = account.bureau_id
           AND before.account_id = account.account_id
           AND before.since_day < %(until)s::date
           AND before.until_day > %(since)s::date
         LIMIT 1),
       (SELECT coalesce(sum(abs(part.amount_fen)), 0)::bigint
          FROM evergrid.energy_correction AS moved
          JOIN evergrid.energy_correction_event AS approved
            ON approved.energy_correction_id = moved.energy_correction_id
           AND approved.step = 'approved'
          JOIN evergrid.energy_correction_bill AS part
            ON part.energy_correction_id = moved.energy_correction_id
         WHERE moved.bureau_id = account.bureau_id
           AND moved.account_id = account.account_id
           AND approved.happened_at > %(now)s::timestamptz - interval '1 year')
  FROM evergrid.account
 WHERE account.account_no = %(account_no)s;

-- name: bills_to_correct
-- Read an account's bills in force that may share a day with a spell of them, the oldest first: with all that
-- a calculation of more energy, or less, depends on. As that is the last of its year, its tiers are those of the
-- household as the year was billed last. Indexes: receivable_pkey, bill_pkey, bill_line_pkey,
-- household_term_pkey, meter_by_account, catalogue_version_pkey.
SELECT receivable.bill_no::text, receivable.month, receivable.serial,
       (SELECT max(taken.serial)
          FROM evergrid.receivable AS taken
         WHERE taken.bureau_id = receivable.bureau_id
           AND taken.account_id = receivable.account_id
           AND taken.month = receivable.month),
       bill.previous_read_at, bill.read_at, bill.multiplier, bill.consumption_kwh - bill.lost_kwh,
       bill.consumption_kwh + correcting.kwh,
       (SELECT max(earlier.month)
          FROM evergrid.receivable AS earlier
         WHERE earlier.bureau_id = receivable.bureau_id
           AND earlier.account_id = receivable.account_id
           AND earlier.month < receivable.month
           AND earlier.is_in_force),
       of_year.kwh, of_year.fen,
       (SELECT closing.month
          FROM evergrid.account_closing AS closing
         WHERE closing.bureau_id = receivable.bureau_id
           AND closing.account_id = receivable.account_id),
       (SELECT known.persons
          FROM evergrid.household_term AS known
         WHERE known.bureau_id = receivable.bureau_id
           AND known.account_id = receivable.account_id
           AND known.from_month <= of_year.newest
         ORDER BY known.from_month DESC
         LIMIT 1),
       term.subsidy,
       (SELECT (line.price_yuan_per_kwh * 100000000)::bigint
          FROM evergrid.bill_line AS line
         WHERE line.bureau_id = bill.bureau_id
           AND line.account_id = bill.account_id
           AND line.month = receivable.month
           AND line.serial = bill.serial
           AND line.component = 'power_factor_adjustment'),
       EXISTS (SELECT
                 FROM evergrid.bill_line AS line
                 JOIN evergrid.catalogue_version AS version
                   ON version.catalogue_version_id = line.catalogue_version_id
                WHERE line.bureau_id = bill.bureau_id
                  AND line.account_id = bill.account_id
                  AND line.month = receivable.month
                  AND line.serial = bill.serial
                  AND version.category <> %(category)s),
       EXISTS (SELECT
                 FROM evergrid.meter AS gone
                WHERE gone.bureau_id = bill.bureau_id
                  AND gone.account_id = bill.account_id
                  AND gone.removed_at > bill.previous_read_at
                  AND gone.removed_at < bill.read_at)
  FROM evergrid.receivable
  JOIN evergrid.bill ON bill.bureau_id = receivable.bureau_id
                    AND bill.account_id = receivable.account_id
                    AND bill.month = receivable.month
                    AND bill.serial = receivable.serial
 CROSS JOIN LATERAL (SELECT coalesce(sum(each.consumption_kwh), 0)::bigint AS kwh,
                            coalesce(sum(each.amount_fen), 0)::bigint AS fen,
                            max(each.month) AS newest
                       FROM evergrid.bill AS each
                      WHERE each.bureau_id = receivable.bureau_id
                        AND each.account_id = receivable.account_id
                        AND each.month >= date_trunc('year', receivable.month)::date
                        AND each.month < (date_trunc('year', receivable.month) + interval '1 year')::date) AS of_year
 CROSS JOIN LATERAL (SELECT coalesce(sum(of_bill.consumption_kwh), 0)::bigint AS kwh
                       FROM evergrid.bill AS of_bill
                      WHERE of_bill.bureau_id = receivable.bureau_id
                        AND of_bill.account_id = receivable.account_id
                        AND of_bill.month = receivable.month
                        AND of_bill.corrects_serial = receivable.serial) AS correcting
  LEFT JOIN LATERAL (SELECT known.subsidy
                       FROM evergrid.household_term AS known
                      WHERE known.bureau_id = receivable.bureau_id
                        AND known.account_id = receivable.account_id
                        AND known.from_month <= receivable.month
                      ORDER BY known.from_month DESC
                      LIMIT 1) AS term ON true
 WHERE receivable.bureau_id = %(bureau_id)s
   AND receivable.account_id = %(account_id)s
   AND receivable.is_in_force
   AND bill.read_at >= %(since)s::timestamptz
   AND bill.previous_read_at < %(until)s::timestamptz
 ORDER BY receivable.month;

-- name: add_correction
-- Record what is to be corrected, with its calculation.
INSERT INTO evergrid.energy_correction (bureau_id, account_id, cause, fact, reverses_id, since_day, from_day,
                                        until_day, calculation, base_kwh, kwh)
VALUES (%(bureau_id)s, %(account_id)s, %(cause)s, %(fact)s, %(reverses_no)s, %(since)s, %(counts_from)s,
        %(until)s, %(calculation)s, %(base_kwh)s, %(kwh)s)
RETURNING energy_correction_id;

-- name: add_bills
-- Record what a correction comes to, bill by bill.
INSERT INTO evergrid.energy_correction_bill (energy_correction_id, month, serial, bureau_id, account_id, days,
                                             base_kwh, kwh, amount_fen, lines)
SELECT %(correction_no)s, part.month, part.serial, %(bureau_id)s, %(account_id)s, part.days, part.base_kwh,
       part.kwh, part.amount_fen, part.lines::jsonb
  FROM unnest(%(months)s::date[], %(serials)s::smallint[], %(days)s::integer[], %(base_kwhs)s::bigint[],
              %(kwhs)s::bigint[], %(amounts_fen)s::bigint[], %(lines)s::text[])
       AS part (month, serial, days, base_kwh, kwh, amount_fen, lines);

-- name: add_event
-- Record a step, behind those before.
INSERT INTO evergrid.energy_correction_event (energy_correction_id, position, bureau_id, step,
                                              principal_id, happened_at, reason)
SELECT correction.energy_correction_id,
       (SELECT count(*) + 1
          FROM evergrid.energy_correction_event AS event
         WHERE event.energy_correction_id = correction.energy_correction_id),
       correction.bureau_id, %(step)s, %(principal_id)s, %(happened_at)s::timestamptz, %(reason)s
  FROM evergrid.energy_correction AS correction
 WHERE correction.energy_correction_id = %(correction_no)s;

-- name: correct
-- Issue the bills of a correction that was asked for.
SELECT issued.issued_no, issued.issued_fen
  FROM evergrid.correct_energy(%(correction_no)s, %(principal_id)s, %(happened_at)s::timestamptz, %(due_on)s)
       AS issued;

-- name: correction_by_no
-- Read a correction, and what reversed it. Indexes: the primary keys, energy_correction_by_reversed.
SELECT account.account_no::text, correction.cause, trim_scale(correction.fact)::text,
       correction.since_day, correction.from_day, correction.until_day, correction.calculation, correction.base_kwh, correction.kwh,
       correction.reverses_id,
       (SELECT reversal.energy_correction_id
          FROM evergrid.energy_correction AS reversal
          JOIN evergrid.energy_correction_event AS event
            ON event.energy_correction_id = reversal.energy_correction_id
         WHERE reversal.reverses_id = correction.energy_correction_id
           AND event.step = 'approved')
  FROM evergrid.energy_correction AS correction
  JOIN evergrid.account ON account.bureau_id = correction.bureau_id
                       AND account.account_id = correction.account_id
 WHERE correction.energy_correction_id = %(correction_no)s;

-- name: bills_of_correction
-- Read what a correction comes to, bill by bill, with the bill that corrects it, if it was issued, and what set the
-- prices of its lines. Indexes: the primary keys.
SELECT corrected.bill_no::text, part.days, part.base_kwh, part.kwh, part.amount_fen,
       (SELECT bill.bill_no::text
          FROM evergrid.bill
         WHERE bill.bureau_id = part.bureau_id
           AND bill.account_id = part.account_id
           AND bill.month = part.month
           AND bill.corrects_serial = part.serial
           AND bill.energy_correction_id = part.energy_correction_id),
       part.lines::text,
       (SELECT jsonb_object_agg(version.catalogue_version_id, version.legal_document)
          FROM evergrid.catalogue_version AS version
         WHERE version.catalogue_version_id IN (SELECT (line ->> 'version')::integer
                                                  FROM jsonb_array_elements(part.lines) AS line))
  FROM evergrid.energy_correction_bill AS part
  JOIN evergrid.receivable AS corrected ON corrected.bureau_id = part.bureau_id
                                       AND corrected.account_id = part.account_id
                                       AND corrected.month = part.month
                                       AND corrected.serial = part.serial
 WHERE part.energy_correction_id = %(correction_no)s
 ORDER BY part.month, part.serial;

-- name: events_of_correction
-- Read the steps of a correction, the oldest first. Indexes: the primary keys.
SELECT event.step, principal.name, event.happened_at, event.reason
  FROM evergrid.energy_correction_event AS event
  JOIN evergrid.principal ON principal.principal_id = event.principal_id
 WHERE event.energy_correction_id = %(correction_no)s
 ORDER BY event.position;

-- name: corrections_before
-- Read corrections, the newest first, each with its last step. Indexes: the primary keys.
SELECT correction.energy_correction_id, last.step, account.account_no::text, correction.cause,
       correction.kwh,
       (SELECT sum(part.amount_fen)::bigint
          FROM evergrid.energy_correction_bill AS part
         WHERE part.energy_correction_id = correction.energy_correction_id)
  FROM evergrid.energy_correction AS correction
  JOIN evergrid.account ON account.bureau_id = correction.bureau_id
                       AND account.account_id = correction.account_id
  JOIN LATERAL (SELECT event.step
                  FROM evergrid.energy_correction_event AS event
                 WHERE event.energy_correction_id = correction.energy_correction_id
                 ORDER BY event.position DESC
                 LIMIT 1) AS last ON true
 WHERE correction.energy_correction_id < %(before_no)s::bigint
 ORDER BY correction.energy_correction_id DESC
 LIMIT %(limit)s;
