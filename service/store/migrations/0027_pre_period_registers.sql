-- Meters that count by period of the day: beside the register of all energy (that of `meter`) they have one
-- of each of some periods, built like it, read with it.
CREATE TABLE evergrid.meter_register (
    bureau_id        smallint       NOT NULL,
    meter_id         bigint         NOT NULL,
    period           text           NOT NULL
                                    CHECK (period IN ('sharp', 'peak', 'flat', 'valley', 'deep_valley')),
    initial_register numeric(18, 4) NOT NULL CHECK (initial_register >= 0),
    PRIMARY KEY (bureau_id, meter_id, period),
    FOREIGN KEY (bureau_id, meter_id) REFERENCES evergrid.meter,
    -- Nobody may hang one before 0028: a program of the release before would read it by half.
    CONSTRAINT meter_register_known_to_all CHECK (false)
);

-- What they showed, beside `reading`.
CREATE TABLE evergrid.register_reading (
    bureau_id   smallint       NOT NULL,
    meter_id    bigint         NOT NULL,
    read_at     timestamptz    NOT NULL,
    period      text           NOT NULL,
    register    numeric(18, 4) NOT NULL CHECK (register >= 0),
    rolled_over boolean        NOT NULL,
    PRIMARY KEY (bureau_id, meter_id, read_at, period),
    FOREIGN KEY (bureau_id, meter_id, read_at) REFERENCES evergrid.reading,
    FOREIGN KEY (bureau_id, meter_id, period) REFERENCES evergrid.meter_register
);

-- What they shall have shown, of those that were misread: in the row that one hand asks with, and another
-- approves, [{"period", "register_before", "register", "rolled_over"}].
ALTER TABLE evergrid.reading_correction ADD COLUMN periods jsonb NOT NULL DEFAULT '[]';

-- What is in force is what was approved last, which need not have been asked for last.
ALTER TABLE evergrid.superseding_reading ADD COLUMN approval bigint GENERATED ALWAYS AS IDENTITY;

-- What an approved correction says of them.
CREATE TABLE evergrid.superseding_register_reading (
    bureau_id             smallint       NOT NULL,
    meter_id              bigint         NOT NULL,
    read_at               timestamptz    NOT NULL,
    period                text           NOT NULL,
    reading_correction_id bigint         NOT NULL REFERENCES evergrid.reading_correction,
    register              numeric(18, 4) NOT NULL CHECK (register >= 0),
    rolled_over           boolean        NOT NULL,
    approval              bigint         GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (bureau_id, meter_id, read_at, period, reading_correction_id),
    FOREIGN KEY (bureau_id, meter_id, period) REFERENCES evergrid.meter_register
);

CREATE TRIGGER meter_register_is_append_only BEFORE UPDATE OR DELETE ON evergrid.meter_register
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER register_reading_is_append_only BEFORE UPDATE OR DELETE ON evergrid.register_reading
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER superseding_register_reading_is_append_only
    BEFORE UPDATE OR DELETE ON evergrid.superseding_register_reading
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

-- As `reading_in_force`, of the registers of periods.
CREATE VIEW evergrid.register_reading_in_force WITH (security_invoker = true) AS
SELECT taken.bureau_id, taken.meter_id, taken.read_at, taken.period,
       coalesce(newer.register, taken.register) AS register,
       coalesce(newer.rolled_over, taken.rolled_over) AS rolled_over
  FROM evergrid.register_reading AS taken
  LEFT JOIN LATERAL (
       SELECT superseding.register, superseding.rolled_over
         FROM evergrid.superseding_register_reading AS superseding
        WHERE superseding.bureau_id = taken.bureau_id
          AND superseding.meter_id = taken.meter_id
          AND superseding.read_at = taken.read_at
          AND superseding.period = taken.period
        ORDER BY superseding.approval DESC
        LIMIT 1) AS newer ON true;

-- As in 0021, by what was approved last.
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
        ORDER BY superseding.approval DESC
        LIMIT 1) AS newer ON true;

ALTER TABLE evergrid.meter_register               ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.register_reading             ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.superseding_register_reading ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.meter_register      USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.register_reading    USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.superseding_register_reading USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.meter_register, evergrid.register_reading,
                evergrid.superseding_register_reading, evergrid.register_reading_in_force
    TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.meter_register, evergrid.register_reading TO evergrid_api;

-- As in 0015, of every register that was misread.
CREATE OR REPLACE FUNCTION evergrid.correct_reading(correction bigint, approver integer, approved timestamptz)
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
           wanted.register_before, wanted.register, wanted.rolled_over, wanted.is_confirmed,
           wanted.periods
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
    -- So it is with each register of a period that was misread.
    INSERT INTO evergrid.superseding_register_reading
                (bureau_id, meter_id, read_at, period, reading_correction_id, register, rolled_over)
    SELECT asked.bureau_id, asked.meter_id, asked.read_at, misread.period, correction, misread.register,
           misread.rolled_over
      FROM jsonb_to_recordset(asked.periods) AS misread (
               period text, register numeric, rolled_over boolean)
     UNION ALL
    SELECT following.bureau_id, following.meter_id, following.read_at, following.period, correction,
           following.register, following.register < misread.register
      FROM jsonb_to_recordset(asked.periods) AS misread (period text, register numeric)
      JOIN evergrid.register_reading_in_force AS following
        ON following.bureau_id = later.bureau_id AND following.meter_id = later.meter_id
       AND following.read_at = later.read_at AND following.period = misread.period
     WHERE (following.register < misread.register) IS DISTINCT FROM following.rolled_over;
    UPDATE evergrid.meter_state
       SET register = asked.register
     WHERE meter_state.bureau_id = asked.bureau_id AND meter_state.meter_id = asked.meter_id
       AND meter_state.read_at = asked.read_at;
    INSERT INTO evergrid.reading_correction_event
                (reading_correction_id, position, bureau_id, step, principal_id, happened_at)
    VALUES (correction, 2, asked.bureau_id, 'approved', approver, approved);
END $$;
