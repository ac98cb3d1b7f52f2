-- A run's bills are calculated, then looked at by another hand, then issued.
ALTER TABLE evergrid.bill_run_chunk
    ADD COLUMN calculated_at  timestamptz,
    ADD COLUMN calculated     integer NOT NULL DEFAULT 0,
    ADD COLUMN calculated_kwh bigint  NOT NULL DEFAULT 0,
    ADD COLUMN calculated_fen bigint  NOT NULL DEFAULT 0,
    -- The accounts with a bill to issue, what each bill says, who had a hand in the readings.
    ADD COLUMN account_ids    bigint[],
    ADD COLUMN digests        bytea[],
    ADD COLUMN readers        integer[],
    ADD COLUMN approved_at    timestamptz CHECK (approved_at IS NULL OR calculated_at IS NOT NULL),
    -- Nothing of it is issued any more: it was rejected, or there is nothing to issue.
    ADD COLUMN closed_at      timestamptz CHECK (closed_at IS NULL OR (approved_at IS NULL AND done_at IS NULL)),
    -- Whether its bills were compared with what was approved; those of a time before sign-offs were not.
    ADD COLUMN is_compared    boolean;
-- Read by whoever issues; other rows stay short.
ALTER TABLE evergrid.bill_run_chunk
    ALTER COLUMN account_ids SET STORAGE EXTERNAL,
    ALTER COLUMN digests     SET STORAGE EXTERNAL;

UPDATE evergrid.bill_run_chunk
   SET calculated_at = done_at, calculated = billed, calculated_fen = amount_fen, approved_at = done_at,
       is_compared = false
 WHERE done_at IS NOT NULL;
-- A worker that knows of no sign-off issues nothing from here on: it does not say that it has compared.
-- What it has done of a chunk is undone, the chunk left to one that knows.
ALTER TABLE evergrid.bill_run_chunk
    ADD CONSTRAINT bill_run_chunk_was_approved
    CHECK (done_at IS NULL OR (approved_at IS NOT NULL AND is_compared IS NOT NULL));
-- An API may not say what workers or approvers say.
REVOKE INSERT ON evergrid.bill_run_chunk FROM evergrid_api;
GRANT INSERT (bill_run_id, chunk, bureau_id, first_account_id, last_account_id, accounts)
    ON evergrid.bill_run_chunk TO evergrid_api;

-- What a worker can do something about, and what keeps a bureau's next run waiting.
CREATE INDEX bill_run_chunk_ready ON evergrid.bill_run_chunk (bill_run_id, chunk)
    WHERE done_at IS NULL AND closed_at IS NULL AND (calculated_at IS NULL OR approved_at IS NOT NULL);
CREATE INDEX bill_run_chunk_open ON evergrid.bill_run_chunk (bureau_id, bill_run_id)
    WHERE done_at IS NULL AND closed_at IS NULL;

-- Bills that stand for others: whoever signs a run off has looked at them.
CREATE TABLE evergrid.bill_run_sample (
    bill_run_id bigint   NOT NULL REFERENCES evergrid.bill_run,
    account_id  bigint   NOT NULL,
    bureau_id   smallint NOT NULL,
    -- The calculated bill, as service/domain/bill_samples.py knows it.
    sample      jsonb    NOT NULL,
    PRIMARY KEY (bill_run_id, account_id)
);

-- What somebody decided about a run, once.
CREATE TABLE evergrid.bill_run_decision (
    bill_run_id  bigint      PRIMARY KEY REFERENCES evergrid.bill_run,
    bureau_id    smallint    NOT NULL,
    step         text        NOT NULL CHECK (step IN ('approved', 'rejected')),
    principal_id integer     NOT NULL REFERENCES evergrid.principal,
    decided_at   timestamptz NOT NULL,
    -- Of an approval what the samples showed, of a rejection its reason.
    remark       text        NOT NULL
);

CREATE TRIGGER bill_run_sample_is_append_only BEFORE UPDATE OR DELETE ON evergrid.bill_run_sample
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER bill_run_decision_is_append_only BEFORE UPDATE OR DELETE ON evergrid.bill_run_decision
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

-- Decides about a run. The only way that the API has to let bills be issued: it refuses what is not
-- calculated to its end, and whoever asked for the run or had a hand in one of its readings. What workers of a
-- time before sign-offs have issued of it stays.
CREATE FUNCTION evergrid.decide_bill_run(
    run bigint, decider integer, decided_step text, told text, decided timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    asked evergrid.bill_run;
BEGIN
    SELECT * INTO asked
      FROM evergrid.bill_run
     WHERE bill_run.bill_run_id = run AND evergrid.sees_bureau(bill_run.bureau_id)
       FOR NO KEY UPDATE;  -- rows that refer to the run may still be written
    -- A worker that has a chunk in hand comes to its end first.
    PERFORM FROM evergrid.bill_run_chunk AS chunk
      WHERE chunk.bill_run_id = run ORDER BY chunk.chunk FOR UPDATE;
    IF decided_step = 'approved' AND (
           asked.principal_id = decider
           OR EXISTS (SELECT FROM evergrid.bill_run_chunk AS chunk
                       WHERE chunk.bill_run_id = run
                         AND (chunk.calculated_at IS NULL OR chunk.readers @> ARRAY[decider]))) THEN
        RAISE EXCEPTION 'bill run % is not calculated, or not to be approved by this hand', run
            USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO evergrid.bill_run_decision
                (bill_run_id, bureau_id, step, principal_id, decided_at, remark)
    VALUES (asked.bill_run_id, asked.bureau_id, decided_step, decider, decided, told);
    UPDATE evergrid.bill_run_chunk AS chunk
       SET approved_at = CASE WHEN decided_step = 'approved' THEN decided END,
           closed_at   = CASE WHEN decided_step = 'rejected' THEN decided END
     WHERE chunk.bill_run_id = run AND chunk.done_at IS NULL AND chunk.closed_at IS NULL;
END $$;
REVOKE ALL ON FUNCTION evergrid.decide_bill_run FROM PUBLIC;
GRANT EXECUTE ON FUNCTION evergrid.decide_bill_run TO evergrid_api;

-- The view as before, with who took the reading.
CREATE OR REPLACE VIEW evergrid.reading_in_force WITH (security_invoker = true) AS
SELECT reading.bureau_id, reading.meter_id, reading.read_at, reading.source,
       coalesce(newer.register, reading.register) AS register,
       coalesce(newer.rolled_over, reading.rolled_over) AS rolled_over,
       CASE WHEN newer.register IS NOT NULL THEN reading.register END AS first_register,
       reading.principal_id
  FROM evergrid.reading
  LEFT JOIN LATERAL (
       SELECT superseding.register, superseding.rolled_over
         FROM evergrid.superseding_reading AS superseding
        WHERE superseding.bureau_id = reading.bureau_id
          AND superseding.meter_id = reading.meter_id
          AND superseding.read_at = reading.read_at
        ORDER BY superseding.reading_correction_id DESC
        LIMIT 1) AS newer ON true;

-- Runs with the sums of their chunks, and what was decided.
CREATE VIEW evergrid.bill_run_now WITH (security_invoker = true) AS
SELECT run.bill_run_id, run.bureau_id, run.month, run.reading_section_id, run.requested_at,
       starter.name AS requested_by, sums.chunks, sums.chunks_calculated, sums.chunks_done,
       sums.accounts, sums.calculated, sums.calculated_kwh, sums.calculated_fen, sums.billed,
       sums.failed, sums.amount_fen, decision.step, hand.name AS decided_by, decision.decided_at,
       decision.remark
  FROM evergrid.bill_run AS run
  JOIN evergrid.principal AS starter ON starter.principal_id = run.principal_id
 CROSS JOIN LATERAL (
       SELECT count(*) AS chunks, count(chunk.calculated_at) AS chunks_calculated,
              count(coalesce(chunk.done_at, chunk.closed_at)) AS chunks_done,
              coalesce(sum(chunk.accounts), 0)::bigint AS accounts,
              coalesce(sum(chunk.calculated), 0)::bigint AS calculated,
              coalesce(sum(chunk.calculated_kwh), 0)::bigint AS calculated_kwh,
              coalesce(sum(chunk.calculated_fen), 0)::bigint AS calculated_fen,
              coalesce(sum(chunk.billed), 0)::bigint AS billed,
              coalesce(sum(chunk.failed), 0)::bigint AS failed,
              coalesce(sum(chunk.amount_fen), 0)::bigint AS amount_fen
         FROM evergrid.bill_run_chunk AS chunk
        WHERE chunk.bill_run_id = run.bill_run_id) AS sums
  LEFT JOIN evergrid.bill_run_decision AS decision ON decision.bill_run_id = run.bill_run_id
  LEFT JOIN evergrid.principal AS hand ON hand.principal_id = decision.principal_id;

ALTER TABLE evergrid.bill_run_sample   ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.bill_run_decision ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.bill_run_sample   USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.bill_run_decision USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.bill_run_sample, evergrid.bill_run_decision, evergrid.bill_run_now
    TO evergrid_api, evergrid_audit;
GRANT SELECT ON evergrid.reading_correction, evergrid.reading_correction_event TO evergrid_worker;
GRANT INSERT ON evergrid.bill_run_sample TO evergrid_worker;
GRANT UPDATE (calculated_at, calculated, calculated_kwh, calculated_fen, account_ids, digests, readers,
              closed_at, is_compared)
    ON evergrid.bill_run_chunk TO evergrid_worker;
