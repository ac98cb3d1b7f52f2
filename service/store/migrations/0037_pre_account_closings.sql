-- Accounts that close: their meter is read for the last time as it is removed, the month's bill is their last.
-- None closes before 0038: a program of the release before would wait for a reading of the month.
CREATE TABLE evergrid.account_closing (
    bureau_id     smallint    NOT NULL,
    account_id    bigint      NOT NULL,
    removed_id    bigint      NOT NULL,
    closed_at     timestamptz NOT NULL,
    month         date        NOT NULL CHECK (extract(day FROM month) = 1),
    work_order_no text        NOT NULL,
    reason        text        NOT NULL,
    principal_id  integer     NOT NULL REFERENCES evergrid.principal,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (bureau_id, account_id),
    UNIQUE (bureau_id, removed_id),
    FOREIGN KEY (bureau_id, account_id) REFERENCES evergrid.account,
    FOREIGN KEY (bureau_id, removed_id) REFERENCES evergrid.meter (bureau_id, meter_id),
    CONSTRAINT account_closing_upgrade_check CHECK (false)
);
CREATE TRIGGER account_closing_is_append_only BEFORE UPDATE OR DELETE ON evergrid.account_closing
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

ALTER TABLE evergrid.account_closing ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.account_closing USING (evergrid.sees_bureau(bureau_id));
GRANT SELECT ON evergrid.account_closing TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.account_closing TO evergrid_api;

-- As in 0024; who has closed is visited no more, and was read for the last time as the meter was removed.
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
  LEFT JOIN evergrid.account_closing AS closing ON closing.bureau_id = stop.bureau_id
                                               AND closing.account_id = stop.account_id
  LEFT JOIN LATERAL (SELECT reading.read_at, reading.register, reading.source
                       FROM evergrid.meter
                       JOIN evergrid.reading_in_force AS reading
                         ON reading.bureau_id = meter.bureau_id
                        AND reading.meter_id = meter.meter_id
                      WHERE meter.bureau_id = stop.bureau_id
                        AND meter.account_id = stop.account_id
                        AND (reading.read_at IS DISTINCT FROM meter.removed_at
                             OR reading.read_at = closing.closed_at)
                        AND reading.read_at >= plan.month::timestamp AT TIME ZONE 'Asia/Shanghai'
                        AND reading.read_at
                            < (plan.month + interval '1 month') AT TIME ZONE 'Asia/Shanghai'
                      ORDER BY reading.read_at DESC
                      LIMIT 1) AS seen ON true
 WHERE coalesce(closing.month >= plan.month, true);
