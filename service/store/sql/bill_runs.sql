-- name: lock_month
-- Let one transaction at a time start a run of a bureau's month.
SELECT pg_advisory_xact_lock(hashtextextended('bill_run ' || %(month)s::date, %(bureau_id)s::bigint));

-- name: lock_prices_shared
-- Let nobody publish prices until the transaction ends; other runs may start.
SELECT pg_advisory_xact_lock_shared(hashtextextended('prices', 0));

-- name: unfinished_run
-- Find the run of a bureau's month that bills some of the same accounts and has not come to its end.
-- Index: bill_run_chunk_open.
SELECT bill_run.bill_run_id
  FROM evergrid.bill_run
 WHERE bill_run.bureau_id = %(bureau_id)s
   AND bill_run.month = %(month)s
   AND (bill_run.reading_section_id IS NULL
        OR %(section_no)s::bigint IS NULL
        OR bill_run.reading_section_id = %(section_no)s::bigint)
   AND EXISTS (SELECT
                 FROM evergrid.bill_run_chunk AS chunk
                WHERE chunk.bureau_id = bill_run.bureau_id
                  AND chunk.bill_run_id = bill_run.bill_run_id
                  AND chunk.done_at IS NULL
                  AND chunk.closed_at IS NULL)
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
     WHERE account.bureau_id = %(bureau_id)s
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
       AND EXISTS (SELECT
                     FROM evergrid.meter
                    WHERE meter.bureau_id = account.bureau_id
                      AND meter.account_id = account.account_id
                      AND meter.installed_at < %(ends_at)s::timestamptz)
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
-- Read a run with the sums of its chunks, and what was decided of it. Index: the primary keys.
SELECT run.bill_run_id, run.month, run.bureau_id, run.reading_section_id, run.requested_by,
       run.requested_at, run.accounts, run.calculated, run.calculated_kwh, run.calculated_fen,
       run.billed, run.failed, run.amount_fen, run.chunks, run.chunks_calculated, run.chunks_done,
       run.step, run.decided_by, run.decided_at, run.remark
  FROM evergrid.bill_run_now AS run
 WHERE run.bill_run_id = %(bill_run_id)s;

-- name: runs_before
-- Read runs, the newest first. Index: bill_run_pkey.
SELECT run.bill_run_id, run.month, run.bureau_id, run.reading_section_id, run.requested_by,
       run.requested_at, run.accounts, run.calculated, run.calculated_kwh, run.calculated_fen,
       run.billed, run.failed, run.amount_fen, run.chunks, run.chunks_calculated, run.chunks_done,
       run.step
  FROM evergrid.bill_run_now AS run
 WHERE run.bill_run_id < %(before_no)s::bigint
 ORDER BY run.bill_run_id DESC
 LIMIT %(limit)s;

-- name: failures_of_run
-- Read the first of the accounts that a run could not bill, by account. Index: the primary key.
SELECT account.account_no, failure.code, failure.detail
  FROM evergrid.bill_run_failure AS failure
  JOIN evergrid.account ON account.bureau_id = failure.bureau_id
                       AND account.account_id = failure.account_id
 WHERE failure.bill_run_id = %(bill_run_id)s
 ORDER BY failure.account_id
 LIMIT %(limit)s;

-- name: samples_after
-- Read the samples of a run in the order of their accounts. Index: bill_run_sample_pkey.
SELECT sample.account_id, sample.sample::text
  FROM evergrid.bill_run_sample AS sample
 WHERE sample.bill_run_id = %(bill_run_id)s
   AND sample.account_id > %(after_id)s::bigint
 ORDER BY sample.account_id
 LIMIT %(limit)s;

-- name: lock_decision
-- Let one decision about a run be taken at a time.
SELECT pg_advisory_xact_lock(hashtextextended('bill_run_decision', %(bill_run_id)s::bigint));

-- name: has_taken_readings
-- Say if somebody had a hand in one of the readings that a run's bills rest on. Index: bill_run_chunk_pkey.
SELECT EXISTS (SELECT
                 FROM evergrid.bill_run_chunk AS chunk
                WHERE chunk.bill_run_id = %(bill_run_id)s
                  AND chunk.readers @> ARRAY[%(principal_id)s::integer]);

-- name: decide
-- Approve or reject a run.
SELECT evergrid.decide_bill_run(%(bill_run_id)s, %(principal_id)s, %(step)s, %(remark)s,
                                %(decided_at)s::timestamptz);
