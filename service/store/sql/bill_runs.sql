-- name: lock_month
-- Let one transaction at a time start a run of a bureau's month.
SELECT pg_advisory_xact_lock(hashtextextended('bill_run ' || %(month)s::date, %(bureau_id)s::bigint));

-- name: lock_prices_shared
-- Let nobody publish prices until the transaction ends; other runs may start.
SELECT pg_advisory_xact_lock_shared(hashtextextended('prices', 0));

-- name: unfinished_run
-- Find the run of a bureau's month that still has chunks to bill.
SELECT bill_run.bill_run_id
  FROM evergrid.bill_run
 WHERE bill_run.bureau_id = %(bureau_id)s
   AND bill_run.month = %(month)s
   AND EXISTS (SELECT
                 FROM evergrid.bill_run_chunk AS chunk
                WHERE chunk.bill_run_id = bill_run.bill_run_id
                  AND chunk.done_at IS NULL)
 LIMIT 1;

-- name: start_run
-- Record a run with its chunks: the accounts with a meter in the month and no bill in force for it, of
-- one reading section or of all, by account, so many a chunk. The subquery is one index probe an account; as NOT EXISTS the planner,
-- which cannot know how much of a fresh month is billed, joins all with all. Indexes: receivable_pkey, reading_stop_pkey.
WITH started AS (
    INSERT INTO evergrid.bill_run (bureau_id, month, reading_section_id, principal_id, requested_at)
    VALUES (%(bureau_id)s, %(month)s, %(section_no)s, %(principal_id)s, %(requested_at)s)
    RETURNING bill_run_id
), unbilled AS (
    SELECT account.account_id,
           (row_number() OVER (ORDER BY account.account_id) - 1) / %(accounts_per_chunk)s::integer AS chunk
      FROM evergrid.account
      JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                         AND meter.account_id = account.account_id
     WHERE account.bureau_id = %(bureau_id)s
       AND account.opened_on < %(next_month)s::date
       AND meter.installed_at < %(ends_at)s::timestamptz
       AND (%(section_no)s::bigint IS NULL
            OR account.account_id IN (SELECT stop.account_id
                                        FROM evergrid.reading_stop AS stop
                                       WHERE stop.reading_section_id = %(section_no)s::bigint
                                         AND stop.months @> %(month)s::date))
       AND (SELECT billed.serial
              FROM evergrid.receivable AS billed
             WHERE billed.bureau_id = account.bureau_id
               AND billed.account_id = account.account_id
               AND billed.month = %(month)s
               AND billed.is_in_force
             LIMIT 1) IS NULL
), cut AS (
    INSERT INTO evergrid.bill_run_chunk (bill_run_id, chunk, bureau_id, first_account_id,
                                         last_account_id, accounts)
    SELECT started.bill_run_id, unbilled.chunk + 1, %(bureau_id)s, min(unbilled.account_id),
           max(unbilled.account_id), count(*)
      FROM started, unbilled
     GROUP BY started.bill_run_id, unbilled.chunk
)
SELECT bill_run_id FROM started;

-- name: run_by_id
-- Read a run with the sums of its chunks. Index: the primary keys.
SELECT bill_run.month, bill_run.bureau_id, bill_run.reading_section_id, bill_run.requested_at,
       coalesce(sum(chunk.accounts), 0)::bigint, coalesce(sum(chunk.billed), 0)::bigint,
       coalesce(sum(chunk.failed), 0)::bigint, coalesce(sum(chunk.amount_fen), 0)::bigint,
       count(chunk.chunk), count(chunk.done_at)
  FROM evergrid.bill_run
  LEFT JOIN evergrid.bill_run_chunk AS chunk ON chunk.bill_run_id = bill_run.bill_run_id
 WHERE bill_run.bill_run_id = %(bill_run_id)s
 GROUP BY bill_run.bill_run_id;

-- name: failures_of_run
-- Read the first of the accounts that a run could not bill, by account. Index: the primary key.
SELECT account.account_no, failure.code, failure.detail
  FROM evergrid.bill_run_failure AS failure
  JOIN evergrid.account ON account.bureau_id = failure.bureau_id
                       AND account.account_id = failure.account_id
 WHERE failure.bill_run_id = %(bill_run_id)s
 ORDER BY failure.account_id
 LIMIT %(limit)s;

-- name: claim_chunk
-- Claim a chunk that nobody has billed or is billing, of the oldest run first; a bureau's next run
-- waits until its run before has no chunk left. The claim is the row lock: it ends with the
-- transaction, however that ends. Index: bill_run_chunk_undone.
SELECT chunk.bill_run_id, chunk.chunk, chunk.bureau_id, bill_run.reading_section_id,
       bill_run.month, chunk.first_account_id, chunk.last_account_id
  FROM evergrid.bill_run_chunk AS chunk
  JOIN evergrid.bill_run ON bill_run.bill_run_id = chunk.bill_run_id
 WHERE chunk.done_at IS NULL
   AND (chunk.bill_run_id, chunk.chunk) NOT IN
       (SELECT passed.bill_run_id, passed.chunk
          FROM unnest(%(passed_runs)s::bigint[], %(passed_chunks)s::integer[])
               AS passed (bill_run_id, chunk))
   AND NOT EXISTS (SELECT
                     FROM evergrid.bill_run_chunk AS before
                    WHERE before.bureau_id = chunk.bureau_id
                      AND before.bill_run_id < chunk.bill_run_id
                      AND before.done_at IS NULL)
 ORDER BY chunk.bill_run_id, chunk.chunk
 LIMIT 1
   FOR UPDATE OF chunk SKIP LOCKED;

-- name: lock_accounts
-- Lock those of a chunk's accounts that have no bill for the month, in the order of their numbers, so that no payment comes in between and two
-- programs that lock several never wait for each other in a circle. Indexes: account_pkey, reading_stop_pkey.
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
 ORDER BY account_id
   FOR NO KEY UPDATE;

-- name: bases_of_chunk
-- Read what the bills of a chunk are computed from: of each locked account without a bill in force
-- for the month, its meter, where the newest bill ended (or the meter began), the newest reading of
-- the month, how often the register rolled over in between, the serial after cancelled bills.
-- What the newest three bills in force came to, in how many days, is what the reading is compared with;
-- beside it stands what a person has accepted of it.
-- Subqueries with LIMIT keep the planner, which cannot know how full a fresh month is, at one index
-- probe an account. Indexes: the primary keys.
SELECT account.account_id, account.account_no, account.category, account.opened_on, meter.digits,
       meter.decimals, meter.multiplier, coalesce(bill.read_at, meter.installed_at),
       coalesce(bill.register, meter.initial_register), newest.month, reading.read_at,
       reading.register,
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
           AND reading.first_register IS NULL)
  FROM evergrid.account
  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                     AND meter.account_id = account.account_id
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
  LEFT JOIN LATERAL (
       SELECT reading.read_at, reading.register, reading.first_register
         FROM evergrid.reading_in_force AS reading
        WHERE reading.bureau_id = meter.bureau_id
          AND reading.meter_id = meter.meter_id
          AND reading.read_at >= %(starts_at)s::timestamptz
          AND reading.read_at < %(ends_at)s::timestamptz
        ORDER BY reading.read_at DESC
        LIMIT 1) AS reading ON true
  LEFT JOIN LATERAL (
       SELECT count(*) AS bills, sum(three.kwh)::bigint AS kwh, sum(three.days)::bigint AS days
         FROM (SELECT issued.consumption_kwh AS kwh,
                      (issued.read_at AT TIME ZONE 'Asia/Shanghai')::date
                      - (issued.previous_read_at AT TIME ZONE 'Asia/Shanghai')::date AS days
                 FROM evergrid.receivable AS last
                 JOIN LATERAL (SELECT billed.consumption_kwh, billed.read_at, billed.previous_read_at
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
   AND meter.installed_at < %(ends_at)s::timestamptz
   AND (SELECT billed.serial
          FROM evergrid.receivable AS billed
         WHERE billed.bureau_id = account.bureau_id
           AND billed.account_id = account.account_id
           AND billed.month = %(month)s
           AND billed.is_in_force
         LIMIT 1) IS NULL
 ORDER BY account.account_id;

-- name: record_failures
-- Record which accounts of a chunk could not be billed, and why.
INSERT INTO evergrid.bill_run_failure (bill_run_id, account_id, bureau_id, code, detail)
SELECT %(bill_run_id)s, failure.account_id, %(bureau_id)s, failure.code, failure.detail
  FROM unnest(%(account_ids)s::bigint[], %(codes)s::text[], %(details)s::text[])
       AS failure (account_id, code, detail);

-- name: finish_chunk
-- Say that a chunk is billed, in the transaction that writes its bills.
UPDATE evergrid.bill_run_chunk
   SET done_at = %(done_at)s, billed = %(billed)s, failed = %(failed)s, amount_fen = %(amount_fen)s
 WHERE bill_run_id = %(bill_run_id)s
   AND chunk = %(chunk)s;

-- name: oldest_unfinished
-- Say when the oldest run that still has chunks to bill was asked for; NULL if there is none.
SELECT min(bill_run.requested_at)
  FROM evergrid.bill_run
 WHERE bill_run.bill_run_id = (SELECT min(chunk.bill_run_id)
                                 FROM evergrid.bill_run_chunk AS chunk
                                WHERE chunk.done_at IS NULL);
