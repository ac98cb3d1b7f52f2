-- Readings that are corrected: one asks for it, another approves. What was taken first stays; what is
-- in force is the newest that supersedes it. Nobody may approve before 0016: a worker of the release
-- before would bill by what was taken first.
CREATE TABLE evergrid.reading_correction (
    reading_correction_id bigint         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bureau_id             smallint       NOT NULL,
    meter_id              bigint         NOT NULL,
    read_at               timestamptz    NOT NULL,
    register_before       numeric(18, 4) NOT NULL,
    register              numeric(18, 4) NOT NULL CHECK (register >= 0),
    rolled_over           boolean        NOT NULL,
    is_confirmed          boolean        NOT NULL,
    FOREIGN KEY (bureau_id, meter_id, read_at) REFERENCES evergrid.reading
);
CREATE INDEX reading_correction_by_reading ON evergrid.reading_correction (bureau_id, meter_id, read_at);

-- One row for each step that somebody took.
CREATE TABLE evergrid.reading_correction_event (
    reading_correction_id bigint      NOT NULL REFERENCES evergrid.reading_correction,
    position              smallint    NOT NULL CHECK (position IN (1, 2)),
    bureau_id             smallint    NOT NULL,
    step                  text        NOT NULL CHECK (step IN ('requested', 'approved', 'rejected')),
    principal_id          integer     NOT NULL REFERENCES evergrid.principal,
    happened_at           timestamptz NOT NULL,
    reason                text        CHECK ((reason IS NULL) = (step = 'approved')),
    PRIMARY KEY (reading_correction_id, position),
    CHECK ((position = 1) = (step = 'requested'))
);

-- What an approved correction says.
CREATE TABLE evergrid.superseding_reading (
    bureau_id             smallint       NOT NULL,
    meter_id              bigint         NOT NULL,
    read_at               timestamptz    NOT NULL,
    reading_correction_id bigint         NOT NULL REFERENCES evergrid.reading_correction,
    register              numeric(18, 4) NOT NULL CHECK (register >= 0),
    rolled_over           boolean        NOT NULL,
    PRIMARY KEY (bureau_id, meter_id, read_at, reading_correction_id)
);

CREATE TRIGGER reading_correction_is_append_only BEFORE UPDATE OR DELETE ON evergrid.reading_correction
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER reading_correction_event_is_append_only BEFORE UPDATE OR DELETE ON evergrid.reading_correction_event
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER superseding_reading_is_append_only BEFORE UPDATE OR DELETE ON evergrid.superseding_reading
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

-- Readings as they are in force; by the rights of whoever asks.
CREATE VIEW evergrid.reading_in_force WITH (security_invoker = true) AS
SELECT reading.bureau_id, reading.meter_id, reading.read_at, reading.source,
       coalesce(newer.register, reading.register) AS register,
       coalesce(newer.rolled_over, reading.rolled_over) AS rolled_over,
       CASE WHEN newer.register IS NOT NULL THEN reading.register END AS first_register
  FROM evergrid.reading
  LEFT JOIN LATERAL (
       SELECT superseding.register, superseding.rolled_over
         FROM evergrid.superseding_reading AS superseding
        WHERE superseding.bureau_id = reading.bureau_id
          AND superseding.meter_id = reading.meter_id
          AND superseding.read_at = reading.read_at
        ORDER BY superseding.reading_correction_id DESC
        LIMIT 1) AS newer ON true;

-- Corrects a reading. The only way that the API has: it may write nothing that supersedes one, and this
-- refuses what another hand did not ask for, and a reading that a bill in force rests on.
CREATE FUNCTION evergrid.correct_reading(correction bigint, approver integer, approved timestamptz)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    asked  evergrid.reading_correction;
    taken  text[];
    hands  integer[];
    billed timestamptz;
    later  evergrid.reading_in_force;
BEGIN
    SELECT wanted.reading_correction_id, wanted.bureau_id, wanted.meter_id, wanted.read_at,
           wanted.register_before, wanted.register, wanted.rolled_over, wanted.is_confirmed
      INTO asked
      FROM evergrid.reading_correction AS wanted
     WHERE wanted.reading_correction_id = correction
       AND evergrid.sees_bureau(wanted.bureau_id);
    SELECT array_agg(event.step ORDER BY event.position), array_agg(event.principal_id ORDER BY event.position)
      INTO taken, hands
      FROM evergrid.reading_correction_event AS event
     WHERE event.reading_correction_id = asked.reading_correction_id;
    IF taken IS DISTINCT FROM ARRAY['requested'] OR hands[1] = approver THEN
        RAISE EXCEPTION 'correction % was not asked for by another hand', correction
            USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM FROM evergrid.meter
       JOIN evergrid.account USING (bureau_id, account_id)
      WHERE meter.bureau_id = asked.bureau_id AND meter.meter_id = asked.meter_id
        FOR UPDATE OF account;
    SELECT max(bill.read_at)
      INTO billed
      FROM evergrid.meter
      JOIN evergrid.receivable USING (bureau_id, account_id)
      JOIN evergrid.bill USING (bureau_id, account_id, month, serial)
     WHERE meter.bureau_id = asked.bureau_id AND meter.meter_id = asked.meter_id
       AND receivable.is_in_force;
    IF billed >= asked.read_at THEN
        RAISE EXCEPTION 'a bill rests on the reading of correction %', correction
            USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO evergrid.superseding_reading
                (bureau_id, meter_id, read_at, reading_correction_id, register, rolled_over)
    VALUES (asked.bureau_id, asked.meter_id, asked.read_at, correction, asked.register, asked.rolled_over);
    -- Whether the register began again before the next reading depends on this one.
    SELECT following.bureau_id, following.meter_id, following.read_at, following.source,
           following.register, following.rolled_over, following.first_register
      INTO later
      FROM evergrid.reading_in_force AS following
     WHERE following.bureau_id = asked.bureau_id AND following.meter_id = asked.meter_id
       AND following.read_at > asked.read_at
     ORDER BY following.read_at
     LIMIT 1;
    IF (later.register < asked.register) IS DISTINCT FROM later.rolled_over THEN
        INSERT INTO evergrid.superseding_reading
                    (bureau_id, meter_id, read_at, reading_correction_id, register, rolled_over)
        VALUES (later.bureau_id, later.meter_id, later.read_at, correction, later.register,
                later.register < asked.register);
    END IF;
    UPDATE evergrid.meter_state
       SET register = asked.register
     WHERE meter_state.bureau_id = asked.bureau_id AND meter_state.meter_id = asked.meter_id
       AND meter_state.read_at = asked.read_at;
    INSERT INTO evergrid.reading_correction_event
                (reading_correction_id, position, bureau_id, step, principal_id, happened_at)
    VALUES (correction, 2, asked.bureau_id, 'approved', approver, approved);
END $$;
REVOKE ALL ON FUNCTION evergrid.correct_reading FROM PUBLIC;

ALTER TABLE evergrid.reading_correction       ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.reading_correction_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.superseding_reading      ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.reading_correction       USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.superseding_reading      USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.reading_correction_event USING (evergrid.sees_bureau(bureau_id))
    WITH CHECK (evergrid.sees_bureau(bureau_id) AND step <> 'approved');

GRANT SELECT ON evergrid.reading_correction, evergrid.reading_correction_event TO evergrid_api, evergrid_audit;
GRANT SELECT ON evergrid.superseding_reading, evergrid.reading_in_force
    TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.reading_correction, evergrid.reading_correction_event TO evergrid_api;
