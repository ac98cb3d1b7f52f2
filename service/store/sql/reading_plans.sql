-- name: make_plans
-- Record a plan of every section of a bureau that has a stop in a month, and no plan of it. Indexes:
-- reading_section_bureau_id_name_key, the primary keys.
INSERT INTO evergrid.reading_plan (bureau_id, reading_section_id, month, due_on, principal_id, made_at)
SELECT section.bureau_id, section.reading_section_id, %(month)s::date,
       %(month)s::date + (route.example_day - 1), %(principal_id)s, %(made_at)s::timestamptz
  FROM evergrid.reading_section AS section
  JOIN LATERAL (SELECT known.example_day
                  FROM evergrid.reading_route AS known
                 WHERE known.reading_section_id = section.reading_section_id
                   AND known.from_month <= %(month)s::date
                 ORDER BY known.from_month DESC
                 LIMIT 1) AS route ON true
 WHERE section.bureau_id = %(bureau_id)s
   AND EXISTS (SELECT
                 FROM evergrid.reading_stop AS stop
                WHERE stop.reading_section_id = section.reading_section_id
                  AND stop.months @> %(month)s::date)
 ORDER BY section.reading_section_id
    ON CONFLICT (reading_section_id, month) DO NOTHING
RETURNING reading_plan_id;

-- name: unrouted
-- Count the accounts of a bureau, but closed ones, that no route leads to in a month. Indexes: account_pkey,
-- reading_stop_once_a_month.
SELECT count(*)
  FROM evergrid.account
 WHERE account.bureau_id = %(bureau_id)s
   AND account.opened_on < %(next_month)s::date
   AND NOT EXISTS (SELECT
                     FROM evergrid.reading_stop AS stop
                    WHERE stop.account_id = account.account_id
                      AND stop.bureau_id = account.bureau_id
                      AND stop.months @> %(month)s::date)
   AND NOT EXISTS (SELECT
                     FROM evergrid.account_closing AS closing
                    WHERE closing.bureau_id = account.bureau_id
                      AND closing.account_id = account.account_id
                      AND closing.month < %(month)s::date);

-- name: assign_as_before
-- Send whoever was sent to a section last to its new plan, unless that is a person locked out. Indexes:
-- the unique key of plans, reading_plan_assignment_by_plan.
INSERT INTO evergrid.reading_plan_assignment (reading_plan_id, bureau_id, reader_id, principal_id,
                                              assigned_at)
SELECT plan.reading_plan_id, plan.bureau_id, reader.principal_id, %(principal_id)s,
       %(assigned_at)s::timestamptz
  FROM evergrid.reading_plan AS plan
  JOIN LATERAL (SELECT assignment.reader_id
                  FROM evergrid.reading_plan AS earlier
                  JOIN evergrid.reading_plan_assignment AS assignment
                    ON assignment.reading_plan_id = earlier.reading_plan_id
                 WHERE earlier.reading_section_id = plan.reading_section_id
                   AND earlier.month < plan.month
                 ORDER BY earlier.month DESC, assignment.reading_plan_assignment_id DESC
                 LIMIT 1) AS before ON true
  JOIN evergrid.principal AS reader ON reader.principal_id = before.reader_id
                                   AND reader.role = 'reader'
                                   AND reader.bureau_id = plan.bureau_id
 WHERE plan.reading_plan_id = ANY (%(plan_nos)s::bigint[])
   AND NOT EXISTS (SELECT
                     FROM evergrid.staff
                    WHERE staff.principal_id = reader.principal_id
                      AND staff.locked_at IS NOT NULL);

-- name: assign
-- Send a reader of the plan's bureau; nothing if nobody there has the name. Index: principal_name_key.
INSERT INTO evergrid.reading_plan_assignment (reading_plan_id, bureau_id, reader_id, principal_id,
                                              assigned_at)
SELECT plan.reading_plan_id, plan.bureau_id, reader.principal_id, %(principal_id)s,
       %(assigned_at)s::timestamptz
  FROM evergrid.reading_plan AS plan
  JOIN evergrid.principal AS reader ON reader.name = %(reader)s
                                   AND reader.role = 'reader'
                                   AND reader.bureau_id = plan.bureau_id
 WHERE plan.reading_plan_id = %(plan_no)s;

-- name: plan_by_no
-- Read a plan. Index: reading_plan_pkey.
SELECT plan.reading_plan_id, plan.bureau_id, plan.reading_section_id, plan.section, plan.month,
       plan.due_on, plan.reader, plan.stops, plan.measured, plan.estimated
  FROM evergrid.reading_plan_now AS plan
 WHERE plan.reading_plan_id = %(plan_no)s;

-- name: plans_before
-- Read plans, of a month or of all, the newest first. Index: reading_plan_pkey.
SELECT plan.reading_plan_id, plan.bureau_id, plan.reading_section_id, plan.section, plan.month,
       plan.due_on, plan.reader, plan.stops, plan.measured, plan.estimated
  FROM evergrid.reading_plan_now AS plan
 WHERE plan.reading_plan_id < %(before_no)s::bigint
   AND (%(month)s::date IS NULL OR plan.month = %(month)s::date)
 ORDER BY plan.reading_plan_id DESC
 LIMIT %(limit)s;

-- name: stops_of_plan
-- Read the stops of a plan in their order, with what their meters showed, and which registers of periods there
-- are to be read. Indexes: reading_plan_pkey, account_account_no_key, meter_running, meter_register_pkey.
SELECT stop.position, stop.account_no, stop.address, stop.read_at, stop.register, stop.source,
       ARRAY(SELECT counter.period
               FROM evergrid.account
               JOIN evergrid.running_meter AS meter ON meter.bureau_id = account.bureau_id
                                                   AND meter.account_id = account.account_id
               JOIN evergrid.meter_register AS counter ON counter.bureau_id = meter.bureau_id
                                                      AND counter.meter_id = meter.meter_id
              WHERE account.account_no = stop.account_no::bpchar
              ORDER BY counter.period)
  FROM evergrid.reading_plan_stop AS stop
 WHERE stop.reading_plan_id = %(plan_no)s
 ORDER BY stop.position;
