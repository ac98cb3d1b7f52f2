-- name: record_findings
-- Record what is odd about readings of a chunk's accounts; what was found before is found again by
-- nobody. Index: that of its unique key.
INSERT INTO evergrid.reading_finding (bureau_id, account_id, meter_id, read_at, register,
                                      consumption_kwh, code, detail, bill_run_id, found_at)
SELECT meter.bureau_id, meter.account_id, meter.meter_id, found.read_at, found.register,
       found.consumption_kwh, found.code, found.detail, %(bill_run_id)s, %(found_at)s::timestamptz
  FROM jsonb_to_recordset(%(findings)s::jsonb) AS found (
           account_id bigint, read_at timestamptz, register numeric, consumption_kwh bigint,
           code text, detail text)
  JOIN evergrid.meter ON meter.bureau_id = %(bureau_id)s
                     AND meter.account_id = found.account_id
                     AND meter.installed_at < found.read_at
                     AND coalesce(meter.removed_at >= found.read_at, true)
    ON CONFLICT (bureau_id, meter_id, read_at, register, consumption_kwh, code) DO NOTHING;

-- name: lock_finding
-- Lock the account that a finding is about. Indexes: the primary keys.
SELECT 1
  FROM evergrid.reading_finding AS finding
  JOIN evergrid.account ON account.bureau_id = finding.bureau_id
                       AND account.account_id = finding.account_id
 WHERE finding.reading_finding_id = %(finding_no)s
   FOR UPDATE OF account;

-- name: finding_by_no
-- Read a finding with what has become of it. Indexes: the primary keys.
SELECT finding.reading_finding_id, finding.account_no, finding.code, finding.detail, finding.read_at,
       finding.register, finding.consumption_kwh, finding.hands, finding.found_at,
       finding.accepted_by, finding.accepted_at, finding.reason, finding.is_overtaken
  FROM evergrid.reading_finding_now AS finding
 WHERE finding.reading_finding_id = %(finding_no)s;

-- name: open_findings_after
-- Read findings that wait for somebody, the oldest first. Indexes: the primary keys.
SELECT finding.reading_finding_id, finding.account_no, finding.code, finding.detail, finding.read_at,
       finding.register, finding.consumption_kwh, finding.hands, finding.found_at,
       finding.accepted_by, finding.accepted_at, finding.reason, finding.is_overtaken
  FROM evergrid.reading_finding_now AS finding
 WHERE finding.reading_finding_id > %(after_no)s::bigint
   AND finding.accepted_at IS NULL
   AND NOT finding.is_overtaken
 ORDER BY finding.reading_finding_id
 LIMIT %(limit)s;

-- name: accept_finding
-- Record that somebody accepts a finding.
INSERT INTO evergrid.reading_finding_acceptance (reading_finding_id, bureau_id, principal_id,
                                                 accepted_at, reason)
SELECT finding.reading_finding_id, finding.bureau_id, %(principal_id)s, %(accepted_at)s::timestamptz,
       %(reason)s
  FROM evergrid.reading_finding AS finding
 WHERE finding.reading_finding_id = %(finding_no)s;
