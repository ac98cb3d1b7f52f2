-- Which meters are read together, on which day of a month, in which order; who reads them in a month.
CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA evergrid;

CREATE TABLE evergrid.reading_section (
    reading_section_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bureau_id          smallint    NOT NULL REFERENCES evergrid.bureau,
    name               text        NOT NULL,
    principal_id       integer     NOT NULL REFERENCES evergrid.principal,
    added_at           timestamptz NOT NULL,
    UNIQUE (bureau_id, name)
);

-- A section's route is in force from a month on, until its next.
CREATE TABLE evergrid.reading_route (
    reading_section_id bigint      NOT NULL REFERENCES evergrid.reading_section,
    from_month         date        NOT NULL CHECK (extract(day FROM from_month) = 1),
    bureau_id          smallint    NOT NULL,
    example_day        smallint    NOT NULL CHECK (example_day BETWEEN 1 AND 28),
    principal_id       integer     NOT NULL REFERENCES evergrid.principal,
    recorded_at        timestamptz NOT NULL,
    PRIMARY KEY (reading_section_id, from_month)
);

-- The accounts on a route, each on one route at most in any month. Ranges begin and end with months.
CREATE TABLE evergrid.reading_stop (
    reading_section_id bigint    NOT NULL REFERENCES evergrid.reading_section,
    bureau_id          smallint  NOT NULL,
    account_id         bigint    NOT NULL,
    position           smallint  NOT NULL CHECK (position > 0),
    months             daterange NOT NULL CHECK (
        extract(day FROM lower(months)) = 1
        AND (upper_inf(months) OR extract(day FROM upper(months)) = 1)),
    PRIMARY KEY (reading_section_id, months, position),
    FOREIGN KEY (bureau_id, account_id) REFERENCES evergrid.account,
    CONSTRAINT reading_stop_once_a_month  EXCLUDE USING gist (account_id WITH =, months WITH &&),
    CONSTRAINT reading_stop_one_an_order  EXCLUDE USING gist
        (reading_section_id WITH =, position WITH =, months WITH &&)
);

-- A stop is left at the end of a month; nothing else of it ever changes.
CREATE FUNCTION evergrid.refuse_all_but_leaving() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NOT upper_inf(OLD.months) OR upper_inf(NEW.months) OR isempty(NEW.months)
       OR lower(NEW.months) <> lower(OLD.months)
       OR (NEW.reading_section_id, NEW.bureau_id, NEW.account_id, NEW.position)
          IS DISTINCT FROM (OLD.reading_section_id, OLD.bureau_id, OLD.account_id, OLD.position) THEN
        RAISE EXCEPTION 'a stop of a route can only be left' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reading_stop_is_only_left BEFORE UPDATE OR DELETE ON evergrid.reading_stop
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_all_but_leaving();

CREATE TABLE evergrid.reading_plan (
    reading_plan_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bureau_id          smallint    NOT NULL,
    reading_section_id bigint      NOT NULL REFERENCES evergrid.reading_section,
    month              date        NOT NULL CHECK (extract(day FROM month) = 1),
    due_on             date        NOT NULL,
    principal_id       integer     NOT NULL REFERENCES evergrid.principal,
    made_at            timestamptz NOT NULL,
    UNIQUE (reading_section_id, month)
);
CREATE TABLE evergrid.reading_plan_assignment (
    reading_plan_assignment_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reading_plan_id            bigint      NOT NULL REFERENCES evergrid.reading_plan,
    bureau_id                  smallint    NOT NULL,
    reader_id                  integer     NOT NULL REFERENCES evergrid.principal,
    principal_id               integer     NOT NULL REFERENCES evergrid.principal,
    assigned_at                timestamptz NOT NULL
);
CREATE INDEX reading_plan_assignment_by_plan
    ON evergrid.reading_plan_assignment (reading_plan_id, reading_plan_assignment_id);

CREATE TRIGGER reading_section_is_append_only BEFORE UPDATE OR DELETE ON evergrid.reading_section
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER reading_route_is_append_only BEFORE UPDATE OR DELETE ON evergrid.reading_route
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER reading_plan_is_append_only BEFORE UPDATE OR DELETE ON evergrid.reading_plan
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER reading_plan_assignment_is_append_only
    BEFORE UPDATE OR DELETE ON evergrid.reading_plan_assignment
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

-- A run may bill one section alone, once every worker knows of sections: one that does not would bill
-- everybody between two accounts of it.
ALTER TABLE evergrid.bill_run
    ADD COLUMN reading_section_id bigint REFERENCES evergrid.reading_section,
    ADD CONSTRAINT bill_run_is_of_all CHECK (reading_section_id IS NULL);

CREATE INDEX bill_run_by_section ON evergrid.bill_run (reading_section_id, month)
    WHERE reading_section_id IS NOT NULL;

-- The stops of a plan, each with the newest reading of its meter in the month. LIMIT keeps the planner at one
-- index probe a stop.
CREATE VIEW evergrid.reading_plan_stop WITH (security_invoker = true) AS
SELECT plan.reading_plan_id, stop.position, served.account_no, served.address, seen.read_at,
       seen.register, seen.source
  FROM evergrid.reading_plan AS plan
  JOIN evergrid.reading_stop AS stop ON stop.reading_section_id = plan.reading_section_id
                                    AND stop.months @> plan.month
  JOIN LATERAL (SELECT account.account_no::text AS account_no, account.address, meter.meter_id
                  FROM evergrid.account
                  JOIN evergrid.meter ON meter.bureau_id = account.bureau_id
                                     AND meter.account_id = account.account_id
                 WHERE account.bureau_id = stop.bureau_id
                   AND account.account_id = stop.account_id
                 LIMIT 1) AS served ON true
  LEFT JOIN LATERAL (SELECT reading.read_at, reading.register, reading.source
                       FROM evergrid.reading_in_force AS reading
                      WHERE reading.bureau_id = stop.bureau_id
                        AND reading.meter_id = served.meter_id
                        AND reading.read_at >= plan.month::timestamp AT TIME ZONE 'Asia/Shanghai'
                        AND reading.read_at
                            < (plan.month + interval '1 month') AT TIME ZONE 'Asia/Shanghai'
                      ORDER BY reading.read_at DESC
                      LIMIT 1) AS seen ON true;

-- Plans with how far they have come.
CREATE VIEW evergrid.reading_plan_now WITH (security_invoker = true) AS
SELECT plan.reading_plan_id, plan.bureau_id, plan.reading_section_id, section.name AS section,
       plan.month, plan.due_on, assigned.reader, progress.stops, progress.measured,
       progress.estimated
  FROM evergrid.reading_plan AS plan
  JOIN evergrid.reading_section AS section
    ON section.reading_section_id = plan.reading_section_id
  LEFT JOIN LATERAL (SELECT reader.name AS reader
                       FROM evergrid.reading_plan_assignment AS assignment
                       JOIN evergrid.principal AS reader
                         ON reader.principal_id = assignment.reader_id
                      WHERE assignment.reading_plan_id = plan.reading_plan_id
                      ORDER BY assignment.reading_plan_assignment_id DESC
                      LIMIT 1) AS assigned ON true
  JOIN LATERAL (SELECT count(*) AS stops,
                       count(*) FILTER (WHERE stop.source <> 'estimate') AS measured,
                       count(*) FILTER (WHERE stop.source = 'estimate') AS estimated
                  FROM evergrid.reading_plan_stop AS stop
                 WHERE stop.reading_plan_id = plan.reading_plan_id) AS progress ON true;

ALTER TABLE evergrid.reading_section         ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.reading_route           ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.reading_stop            ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.reading_plan            ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.reading_plan_assignment ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.reading_section         USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.reading_route           USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.reading_stop            USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.reading_plan            USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.reading_plan_assignment USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.reading_section, evergrid.reading_route, evergrid.reading_stop,
    evergrid.reading_plan, evergrid.reading_plan_assignment, evergrid.reading_plan_stop,
    evergrid.reading_plan_now TO evergrid_api, evergrid_audit;
GRANT SELECT ON evergrid.reading_stop TO evergrid_worker;
GRANT INSERT ON evergrid.reading_section, evergrid.reading_route, evergrid.reading_stop,
    evergrid.reading_plan, evergrid.reading_plan_assignment TO evergrid_api;
GRANT UPDATE (months) ON evergrid.reading_stop TO evergrid_api;
