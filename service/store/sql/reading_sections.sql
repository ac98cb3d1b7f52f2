-- name: add_section
-- Record a section; no row if the bureau has one of this name.
INSERT INTO evergrid.reading_section (bureau_id, name, principal_id, added_at)
VALUES (%(bureau_id)s, %(name)s, %(principal_id)s, %(added_at)s)
ON CONFLICT (bureau_id, name) DO NOTHING
RETURNING reading_section_id;

-- name: sections
-- Read sections, one or many, as they are read in a month, the oldest first. Indexes: the primary keys.
SELECT section.reading_section_id, section.bureau_id, section.name, %(month)s::date,
       route.from_month, route.example_day,
       (SELECT count(*)
          FROM evergrid.reading_stop AS stop
         WHERE stop.reading_section_id = section.reading_section_id
           AND stop.months @> %(month)s::date)
  FROM evergrid.reading_section AS section
  LEFT JOIN LATERAL (SELECT known.from_month, known.example_day
                       FROM evergrid.reading_route AS known
                      WHERE known.reading_section_id = section.reading_section_id
                        AND known.from_month <= %(month)s::date
                      ORDER BY known.from_month DESC
                      LIMIT 1) AS route ON true
 WHERE section.reading_section_id BETWEEN %(first_no)s::bigint AND %(last_no)s::bigint
 ORDER BY section.reading_section_id
 LIMIT %(limit)s;

-- name: stops_of_section
-- Read the stops of a section's route in a month, in their order. Index: reading_stop_pkey.
SELECT stop.position, account.account_no::text, account.address
  FROM evergrid.reading_stop AS stop
  JOIN evergrid.account ON account.bureau_id = stop.bureau_id
                       AND account.account_id = stop.account_id
 WHERE stop.reading_section_id = %(section_no)s
   AND stop.months @> %(month)s::date
 ORDER BY stop.position;

-- name: lock_routes
-- Let one transaction at a time change the routes and the plans of a bureau.
SELECT pg_advisory_xact_lock(hashtextextended('reading_routes', %(bureau_id)s::bigint));

-- name: newest_of_section
-- Read the newest month that a section has a route from, is planned in, was billed alone in (unless
-- that run was rejected before it issued any). Indexes:
-- reading_route_pkey, reading_plan_reading_section_id_month_key, bill_run_by_section.
SELECT greatest(
       (SELECT max(route.from_month)
          FROM evergrid.reading_route AS route
         WHERE route.reading_section_id = %(section_no)s::bigint),
       (SELECT max(plan.month)
          FROM evergrid.reading_plan AS plan
         WHERE plan.reading_section_id = %(section_no)s::bigint),
       (SELECT max(run.month)
          FROM evergrid.bill_run AS run
         WHERE run.reading_section_id = %(section_no)s::bigint
           AND (NOT EXISTS (SELECT
                              FROM evergrid.bill_run_decision AS decision
                             WHERE decision.bill_run_id = run.bill_run_id
                               AND decision.step = 'rejected')
                OR EXISTS (SELECT
                             FROM evergrid.bill_run_chunk AS chunk
                            WHERE chunk.bill_run_id = run.bill_run_id
                              AND chunk.billed > 0))));

-- name: places
-- Read which accounts of a bureau have these numbers, which other section's route leads to each from
-- a month on. Indexes: account_account_no_key, reading_stop_once_a_month.
SELECT account.account_no::text, account.account_id,
       (SELECT stop.reading_section_id
          FROM evergrid.reading_stop AS stop
         WHERE stop.account_id = account.account_id
           AND stop.months && daterange(%(from_month)s::date, NULL)
           AND stop.reading_section_id <> %(section_no)s::bigint
         LIMIT 1)
  FROM evergrid.account
 WHERE account.account_no = ANY (%(account_nos)s::bpchar[])
   AND account.bureau_id = %(bureau_id)s;

-- name: add_route
-- Record from when on a section has another route.
INSERT INTO evergrid.reading_route (reading_section_id, from_month, bureau_id, example_day,
                                    principal_id, recorded_at)
VALUES (%(section_no)s, %(from_month)s, %(bureau_id)s, %(example_day)s, %(principal_id)s,
        %(recorded_at)s);

-- name: leave_stops
-- Let the stops of a section's route end as a month begins. Index: reading_stop_pkey.
UPDATE evergrid.reading_stop
   SET months = daterange(lower(months), %(from_month)s::date)
 WHERE reading_section_id = %(section_no)s
   AND upper_inf(months);

-- name: add_stops
-- Record the stops of a route, in their order.
INSERT INTO evergrid.reading_stop (reading_section_id, bureau_id, account_id, position, months)
SELECT %(section_no)s, %(bureau_id)s, stop.account_id, stop.position,
       daterange(%(from_month)s::date, NULL)
  FROM unnest(%(account_ids)s::bigint[]) WITH ORDINALITY AS stop (account_id, position);
