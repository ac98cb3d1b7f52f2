-- Which meter measures an account, which did before, what became of those.
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

-- A meter that was removed does not come back, nor is it removed at another time than that of its last reading:
-- what it measured since the newest bill would be nobody's.
CREATE FUNCTION evergrid.keep_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.removed_at IS NOT NULL THEN
        RAISE EXCEPTION 'meter % is removed', OLD.asset_no USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.removed_at IS DISTINCT FROM (SELECT max(reading.read_at)
                                          FROM evergrid.reading
                                         WHERE reading.bureau_id = NEW.bureau_id
                                           AND reading.meter_id = NEW.meter_id) THEN
        RAISE EXCEPTION 'meter % was not read last as it was removed', NEW.asset_no
              USING ERRCODE = 'restrict_violation';
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

-- As in 0018; whoever entered what a meter was removed with had a hand in what is odd since.
CREATE OR REPLACE VIEW evergrid.reading_finding_now WITH (security_invoker = true) AS
SELECT finding.reading_finding_id, account.account_no, finding.code, finding.detail,
       finding.read_at, finding.register, finding.consumption_kwh,
       ARRAY[taken.reader] || ARRAY(
            SELECT DISTINCT hand.name
              FROM evergrid.reading_correction AS correction
              JOIN evergrid.reading_correction_event AS event
                ON event.reading_correction_id = correction.reading_correction_id
              JOIN evergrid.principal AS hand ON hand.principal_id = event.principal_id
             WHERE correction.bureau_id = finding.bureau_id
               AND correction.meter_id = finding.meter_id
               AND correction.read_at = finding.read_at
             ORDER BY hand.name) || ARRAY(
            SELECT DISTINCT entering.name
              FROM evergrid.meter AS gone
              JOIN evergrid.meter_exchange AS exchange ON exchange.bureau_id = gone.bureau_id
                                                      AND exchange.removed_id = gone.meter_id
              JOIN evergrid.principal AS entering ON entering.principal_id = exchange.principal_id
             WHERE gone.bureau_id = finding.bureau_id
               AND gone.account_id = finding.account_id
               AND gone.removed_at < finding.read_at
             ORDER BY entering.name) AS hands,
       finding.found_at, acceptance.accepted_by, acceptance.accepted_at, acceptance.reason,
       reading.register <> finding.register
       OR EXISTS (SELECT
                    FROM evergrid.receivable
                    JOIN evergrid.bill ON bill.bureau_id = receivable.bureau_id
                                      AND bill.account_id = receivable.account_id
                                      AND bill.month = receivable.month
                                      AND bill.serial = receivable.serial
                   WHERE receivable.bureau_id = finding.bureau_id
                     AND receivable.account_id = finding.account_id
                     AND receivable.is_in_force
                     AND bill.read_at >= finding.read_at)
       OR EXISTS (SELECT
                    FROM evergrid.reading_finding AS newer
                   WHERE newer.bureau_id = finding.bureau_id
                     AND newer.meter_id = finding.meter_id
                     AND newer.read_at = finding.read_at
                     AND newer.reading_finding_id > finding.reading_finding_id
                     AND newer.consumption_kwh <> finding.consumption_kwh) AS is_overtaken
  FROM evergrid.reading_finding AS finding
  JOIN LATERAL (SELECT known.account_no::text AS account_no
                  FROM evergrid.account AS known
                 WHERE known.bureau_id = finding.bureau_id
                   AND known.account_id = finding.account_id
                 LIMIT 1) AS account ON true
  JOIN LATERAL (SELECT reader.name AS reader
                  FROM evergrid.reading AS made
                  JOIN evergrid.principal AS reader ON reader.principal_id = made.principal_id
                 WHERE made.bureau_id = finding.bureau_id
                   AND made.meter_id = finding.meter_id
                   AND made.read_at = finding.read_at
                 LIMIT 1) AS taken ON true
  JOIN LATERAL (SELECT standing.register
                  FROM evergrid.reading_in_force AS standing
                 WHERE standing.bureau_id = finding.bureau_id
                   AND standing.meter_id = finding.meter_id
                   AND standing.read_at = finding.read_at
                 LIMIT 1) AS reading ON true
  LEFT JOIN LATERAL (SELECT accepting.name AS accepted_by, given.accepted_at, given.reason
                       FROM evergrid.reading_finding_acceptance AS given
                       JOIN evergrid.principal AS accepting
                         ON accepting.principal_id = given.principal_id
                      WHERE given.reading_finding_id = finding.reading_finding_id
                      LIMIT 1) AS acceptance ON true;
