-- name: claim_chunk
-- Claim a chunk that can be calculated, or issued because it was approved, and that nobody has in
-- hand; of the oldest run first. A bureau's next run waits until its run before has come to its end,
-- but for runs of other sections of the same month. The claim is the row lock: it ends with the
-- transaction, however that ends. Indexes: bill_run_chunk_ready, bill_run_chunk_open.
SELECT chunk.bill_run_id, chunk.chunk, chunk.bureau_id, bill_run.reading_section_id,
       bill_run.month, chunk.first_account_id, chunk.last_account_id, chunk.calculated_at,
       chunk.account_ids, chunk.digests
  FROM evergrid.bill_run_chunk AS chunk
  JOIN evergrid.bill_run ON bill_run.bill_run_id = chunk.bill_run_id
 WHERE chunk.done_at IS NULL
   AND chunk.closed_at IS NULL
   AND (chunk.calculated_at IS NULL OR chunk.approved_at IS NOT NULL)
   AND (chunk.bill_run_id, chunk.chunk) NOT IN
       (SELECT passed.bill_run_id, passed.chunk
          FROM unnest(%(passed_runs)s::bigint[], %(passed_chunks)s::integer[])
               AS passed (bill_run_id, chunk))
   AND NOT EXISTS (SELECT
                     FROM evergrid.bill_run_chunk AS before
                     JOIN evergrid.bill_run AS earlier
                       ON earlier.bill_run_id = before.bill_run_id
                    WHERE before.bureau_id = chunk.bureau_id
                      AND before.bill_run_id < chunk.bill_run_id
                      AND before.done_at IS NULL
                      AND before.closed_at IS NULL
                      AND (earlier.month <> bill_run.month
                           OR earlier.reading_section_id IS NULL
                           OR bill_run.reading_section_id IS NULL
                           OR earlier.reading_section_id = bill_run.reading_section_id))
 ORDER BY chunk.bill_run_id, chunk.chunk
 LIMIT 1
   FOR UPDATE OF chunk SKIP LOCKED;

-- name: accounts_of_chunk
-- Read those of a chunk's accounts that have no bill for the month. Indexes: account_pkey,
-- reading_stop_pkey, receivable_pkey.
SELECT account_id
  FROM evergrid.account
 WHERE bureau_id = %(bureau_id)s
   AND account_id BETWEEN %(first_account_id)s AND %(last_account_id)s
   AND (%(section_no)s::bigint IS NULL
        OR account.account_id IN (SELECT stop.account_id
                                    FROM evergrid.reading_stop AS stop
                                   WHERE stop.reading_section_id = %(section_no)s::bigint
                                     AND stop.months @> %(month)s::date))
   AND (SELECT billed.serial
          FROM evergrid.receivable AS billed
         WHERE billed.bureau_id = account.bureau_id
           AND billed.account_id = account.account_id
           AND billed.month = %(month)s::date
           AND billed.is_in_force
         LIMIT 1) IS NULL
 ORDER BY account_id;

-- name: lock_accounts
-- Lock accounts in the order of their numbers, so that no payment comes in between and two programs
-- that lock several never wait for each other in a circle. Index: account_pkey.
SELECT account_id
  FROM evergrid.account
 WHERE bureau_id = %(bureau_id)s
   AND account_id = ANY (%(account_ids)s::bigint[])
 ORDER BY account_id
   FOR NO KEY UPDATE;

-- name: bases_of_chunk
-- Read what the bills of a chunk are computed from: of each of its accounts without a bill in force
-- for the month, its meter, where the newest bill ended (or the meter began), the newest reading of
-- the month, how often the register rolled over in between, the serial after cancelled bills.
-- A meter that was removed since the newest bill adds what it measured up to then; one that was read in
-- the month and removed after that is the month's. What it was removed with is nobody's reading of the month,
-- unless the account closed with it.
-- What the newest three bills in force came to, in how many days, is what the reading is compared with;
-- beside it stands what a person has accepted of it, and who had a hand in it.
-- Subqueries with LIMIT keep the planner, which cannot know how full a fresh month is, at one index
-- probe an account. Indexes: the primary keys.
SELECT account.account_id, account.account_no, account.category, account.opened_on, meter.digits,
       meter.decimals, meter.multiplier,
       coalesce(bill.read_at, (SELECT min(first.installed_at)
                                 FROM evergrid.meter AS first
                                WHERE first.bureau_id = account.bureau_id
                                  AND first.account_id = account.account_id)),
       CASE WHEN bill.read_at > meter.installed_at THEN bill.register
            ELSE meter.initial_register END,
       newest.month, reading.read_at, reading.register,
       (SELECT count(*)
          FROM evergrid.reading_in_force AS passed
         WHERE passed.bureau_id = meter.bureau_id
           AND passed.meter_id = meter.meter_id
           AND passed.read_at > coalesce(bill.read_at, meter.installed_at)
           AND passed.read_at <= reading.read_at
           AND passed.rolled_over),
       CASE WHEN newest.month >= %(year_starts)s::date THEN
            (SELECT coalesce(sum(earlier.consumption_kwh), 0)::bigint
               FROM evergrid.bill AS earlier
              WHERE earlier.bureau_id = account.bureau_id
                AND earlier.account_id = account.account_id
                AND earlier.month >= %(year_starts)s::date
                AND earlier.month < %(month)s::date)
            ELSE 0 END,
       term.persons, term.subsidy,
       (SELECT coalesce(max(cancelled.serial), 0) + 1
          FROM evergrid.receivable AS cancelled
         WHERE cancelled.bureau_id = account.bureau_id
           AND cancelled.account_id = account.account_id
           AND cancelled.month = %(month)s),
       used.bills, used.kwh, used.days,
       (SELECT array_agg(finding.code || ' ' || finding.consumption_kwh)
          FROM evergrid.reading_finding AS finding
          JOIN evergrid.reading_finding_acceptance AS acceptance
            ON acceptance.reading_finding_id = finding.reading_finding_id
         WHERE finding.bureau_id = meter.bureau_id
           AND finding.meter_id = meter.meter_id
           AND finding.read_at = reading.read_at),
       (SELECT estimate.consumption_kwh
          FROM evergrid.reading_estimate AS estimate
         WHERE estimate.bureau_id = meter.bureau_id
           AND estimate.meter_id = meter.meter_id
           AND estimate.read_at = reading.read_at
           AND reading.first_register IS NULL),
       removed.spans,
       reading.principal_id || removed.hands || ARRAY(
            SELECT event.principal_id
              FROM evergrid.reading_correction AS correction
              JOIN evergrid.reading_correction_event AS event
                ON event.reading_correction_id = correction.reading_correction_id
             WHERE correction.bureau_id = meter.bureau_id
               AND correction.meter_id = meter.meter_id
               AND correction.read_at = reading.read_at),
       (SELECT closing.month
          FROM evergrid.account_closing AS closing
         WHERE closing.bureau_id = account.bureau_id
           AND closing.account_id = account.account_id)
  FROM evergrid.account
  LEFT JOIN LATERAL (
       SELECT receivable.month, receivable.serial
         FROM evergrid.receivable
        WHERE receivable.bureau_id = account.bureau_id
          AND receivable.account_id = account.account_id
          AND receivable.is_in_force
        ORDER BY receivable.month DESC, receivable.serial DESC
        LIMIT 1) AS newest ON true
  LEFT JOIN LATERAL (
       SELECT bill.read_at, bill.register
         FROM evergrid.bill
        WHERE bill.bureau_id = account.bureau_id
          AND bill.account_id = account.account_id
          AND bill.month = newest.month
          AND bill.serial = newest.serial
        LIMIT 1) AS bill ON true
  JOIN LATERAL (
       SELECT hung.bureau_id, hung.meter_id, hung.digits, hung.decimals, hung.multiplier,
              hung.installed_at, hung.initial_register, seen.read_at, seen.register,
              seen.first_register, seen.principal_id
         FROM evergrid.meter AS hung
         LEFT JOIN LATERAL (
              SELECT reading.read_at, reading.register, reading.first_register, reading.principal_id
                FROM evergrid.reading_in_force AS reading
               WHERE reading.bureau_id = hung.bureau_id
                 AND reading.meter_id = hung.meter_id
                 AND reading.read_at >= %(starts_at)s::timestamptz
                 AND reading.read_at < %(ends_at)s::timestamptz
                 AND (reading.read_at IS DISTINCT FROM hung.removed_at
                      OR EXISTS (SELECT
                                   FROM evergrid.account_closing AS closing
                                  WHERE closing.bureau_id = hung.bureau_id
                                    AND closing.removed_id = hung.meter_id))
               ORDER BY reading.read_at DESC
               LIMIT 1) AS seen ON true
        WHERE hung.bureau_id = account.bureau_id
          AND hung.account_id = account.account_id
          AND hung.installed_at < %(ends_at)s::timestamptz
        ORDER BY seen.read_at DESC NULLS LAST, hung.installed_at DESC
        LIMIT 1) AS meter ON true
 CROSS JOIN LATERAL (SELECT meter.read_at, meter.register, meter.first_register,
                            meter.principal_id) AS reading
 CROSS JOIN LATERAL (
       SELECT array_agg(ARRAY[gone.digits::text, gone.decimals::text, gone.multiplier::text,
                              CASE WHEN bill.read_at > gone.installed_at THEN bill.register
                                   ELSE gone.initial_register END::text,
                              final.register::text,
                              (SELECT count(*)
                                 FROM evergrid.reading_in_force AS passed
                                WHERE passed.bureau_id = gone.bureau_id
                                  AND passed.meter_id = gone.meter_id
                                  AND passed.read_at > coalesce(bill.read_at, gone.installed_at)
                                  AND passed.rolled_over)::text]
                        ORDER BY gone.installed_at) AS spans,
              coalesce(array_agg(final.principal_id), '{}') || ARRAY(
                   SELECT event.principal_id
                     FROM evergrid.meter AS corrected
                     JOIN evergrid.reading_correction AS correction
                       ON correction.bureau_id = corrected.bureau_id
                      AND correction.meter_id = corrected.meter_id
                      AND correction.read_at = corrected.removed_at
                     JOIN evergrid.reading_correction_event AS event
                       ON event.reading_correction_id = correction.reading_correction_id
                    WHERE corrected.bureau_id = account.bureau_id
                      AND corrected.account_id = account.account_id
                      AND corrected.removed_at > coalesce(bill.read_at, '-infinity')) AS hands
         FROM evergrid.meter AS gone
         JOIN evergrid.reading_in_force AS final ON final.bureau_id = gone.bureau_id
                                                AND final.meter_id = gone.meter_id
                                                AND final.read_at = gone.removed_at
        WHERE gone.bureau_id = account.bureau_id
          AND gone.account_id = account.account_id
          AND gone.removed_at <= meter.installed_at
          AND gone.removed_at > coalesce(bill.read_at, '-infinity')) AS removed
  LEFT JOIN LATERAL (
       SELECT count(*) AS bills, sum(three.kwh)::bigint AS kwh, sum(three.days)::bigint AS days
         FROM (SELECT issued.read_kwh AS kwh,
                      (issued.read_at AT TIME ZONE 'Asia/Shanghai')::date
                      - (issued.previous_read_at AT TIME ZONE 'Asia/Shanghai')::date AS days
                 FROM evergrid.receivable AS last
                 JOIN LATERAL (SELECT billed.consumption_kwh - billed.lost_kwh AS read_kwh, billed.read_at,
                                      billed.previous_read_at
                                 FROM evergrid.bill AS billed
                                WHERE billed.bureau_id = last.bureau_id
                                  AND billed.account_id = last.account_id
                                  AND billed.month = last.month
                                  AND billed.serial = last.serial
                                LIMIT 1) AS issued ON true
                WHERE last.bureau_id = account.bureau_id
                  AND last.account_id = account.account_id
                  AND last.is_in_force
                ORDER BY last.month DESC
                LIMIT 3) AS three) AS used ON true
  LEFT JOIN LATERAL (
       SELECT known.persons, known.subsidy
         FROM evergrid.household_term AS known
        WHERE known.bureau_id = account.bureau_id
          AND known.account_id = account.account_id
          AND known.from_month <= %(month)s::date
        ORDER BY known.from_month DESC
        LIMIT 1) AS term ON true
 WHERE account.bureau_id = %(bureau_id)s
   AND account.account_id = ANY (%(account_ids)s::bigint[])
   AND account.opened_on < %(next_month)s::date
   AND (SELECT billed.serial
          FROM evergrid.account_closing AS closing
          JOIN evergrid.receivable AS billed ON billed.bureau_id = closing.bureau_id
                                            AND billed.account_id = closing.account_id
                                            AND billed.month >= closing.month
                                            AND billed.is_in_force
         WHERE closing.bureau_id = account.bureau_id
           AND closing.account_id = account.account_id
           AND closing.month < %(month)s::date
         LIMIT 1) IS NULL
   AND (SELECT billed.serial
          FROM evergrid.receivable AS billed
         WHERE billed.bureau_id = account.bureau_id
           AND billed.account_id = account.account_id
           AND billed.month = %(month)s
           AND billed.is_in_force
         LIMIT 1) IS NULL
 ORDER BY account.account_id;

-- name: spans_of_registers
-- Read where other registers began to measure for bills, where each ended (NULL if that reading says nothing of
-- it), how often it began again at zero; on every meter that measured for the bill. Indexes: meter_by_account,
-- the primary keys.
SELECT asked.account_id, counter.period, meter.digits, meter.decimals, meter.multiplier,
       coalesce(start.register, counter.initial_register), final.register,
       (SELECT count(*)
          FROM evergrid.register_reading_in_force AS passed
         WHERE passed.bureau_id = counter.bureau_id
           AND passed.meter_id = counter.meter_id
           AND passed.read_at > asked.previous_read_at
           AND passed.read_at <= least(asked.read_at, meter.removed_at)
           AND passed.period = counter.period
           AND passed.rolled_over)
  FROM unnest(%(account_ids)s::bigint[], %(previous_read_at)s::timestamptz[], %(read_at)s::timestamptz[])
       AS asked (account_id, previous_read_at, read_at)
  JOIN evergrid.meter ON meter.bureau_id = %(bureau_id)s
                     AND meter.account_id = asked.account_id
                     AND meter.installed_at < asked.read_at
                     AND coalesce(meter.removed_at, 'infinity') > asked.previous_read_at
  JOIN evergrid.meter_register AS counter ON counter.bureau_id = meter.bureau_id
                                         AND counter.meter_id = meter.meter_id
  LEFT JOIN evergrid.register_reading_in_force AS start ON start.bureau_id = counter.bureau_id
                                                       AND start.meter_id = counter.meter_id
                                                       AND start.read_at = asked.previous_read_at
                                                       AND start.period = counter.period
  LEFT JOIN evergrid.register_reading_in_force AS final
    ON final.bureau_id = counter.bureau_id
   AND final.meter_id = counter.meter_id
   AND final.read_at = least(asked.read_at, meter.removed_at)
   AND final.period = counter.period
 ORDER BY asked.account_id, meter.installed_at, counter.period;

-- name: demands_of_accounts
-- Read the highest demand that each meter showed in each month of a bill: its register begins anew at each
-- reading. Indexes: meter_by_account, the primary keys.
SELECT asked.account_id, to_char(shown.read_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month,
       meter.multiplier, max(shown.register)
  FROM unnest(%(account_ids)s::bigint[], %(previous_read_at)s::timestamptz[], %(read_at)s::timestamptz[])
       AS asked (account_id, previous_read_at, read_at)
  JOIN evergrid.meter ON meter.bureau_id = %(bureau_id)s
                     AND meter.account_id = asked.account_id
                     AND meter.installed_at < asked.read_at
                     AND coalesce(meter.removed_at, 'infinity') > asked.previous_read_at
  JOIN evergrid.register_reading_in_force AS shown
    ON shown.bureau_id = meter.bureau_id
   AND shown.meter_id = meter.meter_id
   AND shown.read_at > asked.previous_read_at
   AND shown.read_at <= least(asked.read_at, meter.removed_at)
   AND shown.period = 'demand'
 GROUP BY asked.account_id, month, meter.meter_id, meter.multiplier;

-- name: record_failures
-- Record which accounts of a chunk could not be billed, and why.
INSERT INTO evergrid.bill_run_failure (bill_run_id, account_id, bureau_id, code, detail)
SELECT %(bill_run_id)s, failure.account_id, %(bureau_id)s, failure.code, failure.detail
  FROM unnest(%(account_ids)s::bigint[], %(codes)s::text[], %(details)s::text[])
       AS failure (account_id, code, detail);

-- name: record_samples
-- Record the bills of a chunk that somebody is to look at.
INSERT INTO evergrid.bill_run_sample (bill_run_id, account_id, bureau_id, sample)
SELECT %(bill_run_id)s, chosen.account_id, %(bureau_id)s, chosen.sample::jsonb
  FROM unnest(%(account_ids)s::bigint[], %(samples)s::text[]) AS chosen (account_id, sample);

-- name: finish_calculation
-- Say what the bills of a chunk come to: how many, what each says, who had a hand in their readings.
-- Where there is none, nothing waits for anybody.
UPDATE evergrid.bill_run_chunk
   SET calculated_at = %(calculated_at)s, calculated = %(calculated)s,
       calculated_kwh = %(calculated_kwh)s, calculated_fen = %(calculated_fen)s,
       closed_at = CASE WHEN %(calculated)s = 0 THEN %(calculated_at)s::timestamptz END,
       failed = %(failed)s, account_ids = %(account_ids)s::bigint[],
       digests = %(digests)s::bytea[], readers = %(readers)s::integer[]
 WHERE bill_run_id = %(bill_run_id)s
   AND chunk = %(chunk)s;

-- name: finish_chunk
-- Say that a chunk is billed, in the transaction that writes its bills; what failed now failed in
-- addition.
UPDATE evergrid.bill_run_chunk
   SET done_at = %(done_at)s, billed = %(billed)s, failed = failed + %(failed)s,
       amount_fen = %(amount_fen)s, is_compared = true
 WHERE bill_run_id = %(bill_run_id)s
   AND chunk = %(chunk)s;

-- name: oldest_unfinished
-- Say since when the run has waited that workers could have done something about for longest: since it
-- was asked for, or approved; NULL if there is none. Indexes: bill_run_chunk_ready, bill_run_chunk_open.
SELECT min(greatest(bill_run.requested_at, ready.approved_at))
  FROM (SELECT chunk.bill_run_id, max(chunk.approved_at) AS approved_at
          FROM evergrid.bill_run_chunk AS chunk
         WHERE chunk.done_at IS NULL
           AND chunk.closed_at IS NULL
           AND (chunk.calculated_at IS NULL OR chunk.approved_at IS NOT NULL)
         GROUP BY chunk.bill_run_id) AS ready
  JOIN evergrid.bill_run ON bill_run.bill_run_id = ready.bill_run_id
 WHERE NOT EXISTS (SELECT
                     FROM evergrid.bill_run_chunk AS before
                     JOIN evergrid.bill_run AS earlier
                       ON earlier.bill_run_id = before.bill_run_id
                    WHERE before.bureau_id = bill_run.bureau_id
                      AND before.bill_run_id < bill_run.bill_run_id
                      AND before.done_at IS NULL
                      AND before.closed_at IS NULL
                      AND (earlier.month <> bill_run.month
                           OR earlier.reading_section_id IS NULL
                           OR bill_run.reading_section_id IS NULL
                           OR earlier.reading_section_id = bill_run.reading_section_id));
