-- Meters are exchanged: an account has one running meter at a time, and those it had before.
ALTER TABLE evergrid.meter
    ADD COLUMN removed_at timestamptz,
    ADD CONSTRAINT meter_removed_later CHECK (removed_at > installed_at) NOT VALID;

CREATE INDEX meter_by_account ON evergrid.meter (bureau_id, account_id);
CREATE UNIQUE INDEX meter_running ON evergrid.meter (bureau_id, account_id) WHERE removed_at IS NULL;

-- The meter that measures an account now. By the rights of whoever asks.
CREATE VIEW evergrid.running_meter WITH (security_invoker = true) AS
SELECT meter_id, bureau_id, account_id, asset_no, digits, decimals, multiplier, installed_at,
       initial_register
  FROM evergrid.meter
 WHERE removed_at IS NULL;

-- Which meter took another's place, by which order. What the removed one showed is its last reading.
CREATE TABLE evergrid.meter_exchange (
    bureau_id     smallint    NOT NULL,
    removed_id    bigint      NOT NULL,
    installed_id  bigint      NOT NULL,
    work_order_no text        NOT NULL,
    reason        text        NOT NULL,
    principal_id  integer     NOT NULL REFERENCES evergrid.principal,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (bureau_id, removed_id),
    UNIQUE (bureau_id, installed_id),
    FOREIGN KEY (bureau_id, removed_id) REFERENCES evergrid.meter (bureau_id, meter_id),
    FOREIGN KEY (bureau_id, installed_id) REFERENCES evergrid.meter (bureau_id, meter_id)
);
CREATE TRIGGER meter_exchange_is_append_only BEFORE UPDATE OR DELETE ON evergrid.meter_exchange
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

-- A meter that was removed does not come back, nor is it removed at another time.
CREATE FUNCTION evergrid.keep_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.removed_at IS NOT NULL THEN
        RAISE EXCEPTION 'meter % is removed', OLD.asset_no USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER meter_stays_removed BEFORE UPDATE OF removed_at ON evergrid.meter
    FOR EACH ROW EXECUTE FUNCTION evergrid.keep_removal();

ALTER TABLE evergrid.meter_exchange ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.meter_exchange USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.meter_exchange, evergrid.running_meter
    TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.meter_exchange TO evergrid_api;
GRANT UPDATE (removed_at) ON evergrid.meter TO evergrid_api;

-- As in 0019, with what a meter showed that was removed since; not what it was removed with, which is no
-- reader's reading. LIMIT keeps the planner at one index probe a stop.
CREATE OR REPLACE VIEW evergrid.reading_plan_stop WITH (security_invoker = true) AS
SELECT plan.reading_plan_id, stop.position, served.account_no, served.address, seen.read_at,
       seen.register, seen.source
  FROM evergrid.reading_plan AS plan
  JOIN evergrid.reading_stop AS stop ON stop.reading_section_id = plan.reading_section_id
                                    AND stop.months @> plan.month
  JOIN LATERAL (SELECT account.account_no::text AS account_no, account.address
                  FROM evergrid.account
                 WHERE account.bureau_id = stop.bureau_id
                   AND account.account_id = stop.account_id
                 LIMIT 1) AS served ON true
  LEFT JOIN LATERAL (SELECT reading.read_at, reading.register, reading.source
                       FROM evergrid.meter
                       JOIN evergrid.reading_in_force AS reading
                         ON reading.bureau_id = meter.bureau_id
                        AND reading.meter_id = meter.meter_id
                      WHERE meter.bureau_id = stop.bureau_id
                        AND meter.account_id = stop.account_id
                        AND reading.read_at IS DISTINCT FROM meter.removed_at
                        AND reading.read_at >= plan.month::timestamp AT TIME ZONE 'Asia/Shanghai'
                        AND reading.read_at
                            < (plan.month + interval '1 month') AT TIME ZONE 'Asia/Shanghai'
                      ORDER BY reading.read_at DESC
                      LIMIT 1) AS seen ON true;
