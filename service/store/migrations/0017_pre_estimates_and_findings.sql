-- Months that nobody read a meter in are estimated; readings that are odd wait for a person.

-- A reading of this source was made by the service itself, from what it knows of the account.
ALTER TABLE evergrid.reading DROP CONSTRAINT reading_source_check;
ALTER TABLE evergrid.reading
    ADD CONSTRAINT reading_source_check
        CHECK (source IN ('manual', 'ami', 'customer', 'migration', 'estimate')) NOT VALID;
-- What a meter was estimated at last, and for when. While it is what the meter shows, a register below
-- has not begun again at zero: the estimate was too high.
ALTER TABLE evergrid.meter_state ADD COLUMN estimated_at timestamptz, ADD COLUMN estimated_register numeric(18, 4);

-- How an estimate came about: the bills it rests on, each by its month with the months it is about.
CREATE TABLE evergrid.reading_estimate (
    bureau_id       smallint    NOT NULL,
    meter_id        bigint      NOT NULL,
    read_at         timestamptz NOT NULL,
    month           date        NOT NULL CHECK (extract(day FROM month) = 1),
    consumption_kwh bigint      NOT NULL CHECK (consumption_kwh >= 0),
    method          text        NOT NULL CHECK (method IN ('trend', 'mean')),
    basis           jsonb       NOT NULL,
    reason          text        NOT NULL,
    principal_id    integer     NOT NULL REFERENCES evergrid.principal,
    made_at         timestamptz NOT NULL,
    PRIMARY KEY (bureau_id, meter_id, read_at),
    FOREIGN KEY (bureau_id, meter_id, read_at) REFERENCES evergrid.reading
);

-- What a bill run found odd about a reading, of what it came to. It is found once.
CREATE TABLE evergrid.reading_finding (
    reading_finding_id bigint         GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bureau_id          smallint       NOT NULL,
    account_id         bigint         NOT NULL,
    meter_id           bigint         NOT NULL,
    read_at            timestamptz    NOT NULL,
    register           numeric(18, 4) NOT NULL,
    consumption_kwh    bigint         NOT NULL,
    code               text           NOT NULL,
    detail             text           NOT NULL,
    bill_run_id        bigint         NOT NULL REFERENCES evergrid.bill_run,
    found_at           timestamptz    NOT NULL,
    UNIQUE (bureau_id, meter_id, read_at, register, consumption_kwh, code),
    FOREIGN KEY (bureau_id, meter_id, read_at) REFERENCES evergrid.reading
);
CREATE TABLE evergrid.reading_finding_acceptance (
    reading_finding_id bigint      PRIMARY KEY REFERENCES evergrid.reading_finding,
    bureau_id          smallint    NOT NULL,
    principal_id       integer     NOT NULL REFERENCES evergrid.principal,
    accepted_at        timestamptz NOT NULL,
    reason             text        NOT NULL
);

-- Findings with what has become of them: overtaken if the reading was corrected since, is billed, or has
-- come to another energy. `hands` are all who had a part in what the reading says, who took it first. By
-- the rights of whoever asks.
CREATE VIEW evergrid.reading_finding_now WITH (security_invoker = true) AS
SELECT finding.reading_finding_id, account.account_no::text AS account_no, finding.code, finding.detail,
       finding.read_at, finding.register, finding.consumption_kwh,
       ARRAY[reader.name] || ARRAY(
            SELECT DISTINCT hand.name
              FROM evergrid.reading_correction AS correction
              JOIN evergrid.reading_correction_event AS event
                ON event.reading_correction_id = correction.reading_correction_id
              JOIN evergrid.principal AS hand ON hand.principal_id = event.principal_id
             WHERE correction.bureau_id = finding.bureau_id
               AND correction.meter_id = finding.meter_id
               AND correction.read_at = finding.read_at
             ORDER BY hand.name) AS hands,
       finding.found_at, accepting.name AS accepted_by, acceptance.accepted_at, acceptance.reason,
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
  JOIN evergrid.account ON account.bureau_id = finding.bureau_id
                       AND account.account_id = finding.account_id
  JOIN evergrid.reading AS taken ON taken.bureau_id = finding.bureau_id
                                AND taken.meter_id = finding.meter_id
                                AND taken.read_at = finding.read_at
  JOIN evergrid.principal AS reader ON reader.principal_id = taken.principal_id
  JOIN evergrid.reading_in_force AS reading ON reading.bureau_id = finding.bureau_id
                                           AND reading.meter_id = finding.meter_id
                                           AND reading.read_at = finding.read_at
  LEFT JOIN evergrid.reading_finding_acceptance AS acceptance
         ON acceptance.reading_finding_id = finding.reading_finding_id
  LEFT JOIN evergrid.principal AS accepting ON accepting.principal_id = acceptance.principal_id;

CREATE TRIGGER reading_estimate_is_append_only BEFORE UPDATE OR DELETE ON evergrid.reading_estimate
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER reading_finding_is_append_only BEFORE UPDATE OR DELETE ON evergrid.reading_finding
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();
CREATE TRIGGER reading_finding_acceptance_is_append_only
    BEFORE UPDATE OR DELETE ON evergrid.reading_finding_acceptance
    FOR EACH ROW EXECUTE FUNCTION evergrid.refuse_change();

ALTER TABLE evergrid.reading_estimate           ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.reading_finding            ENABLE ROW LEVEL SECURITY;
ALTER TABLE evergrid.reading_finding_acceptance ENABLE ROW LEVEL SECURITY;
CREATE POLICY bureau ON evergrid.reading_estimate           USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.reading_finding            USING (evergrid.sees_bureau(bureau_id));
CREATE POLICY bureau ON evergrid.reading_finding_acceptance USING (evergrid.sees_bureau(bureau_id));

GRANT SELECT ON evergrid.reading_estimate, evergrid.reading_finding, evergrid.reading_finding_acceptance,
    evergrid.reading_finding_now TO evergrid_api, evergrid_worker, evergrid_audit;
GRANT INSERT ON evergrid.reading_estimate, evergrid.reading_finding_acceptance TO evergrid_api;
GRANT INSERT ON evergrid.reading_finding TO evergrid_worker;
