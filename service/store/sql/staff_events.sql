-- name: events_before
-- Read what happened to the staff of every bureau, newest first. Index: staff_event_by_time.
SELECT event.happened_at, event.event_id, event.kind, whom.name, event.bureau_id, actor.name, host(event.address)
  FROM evergrid.staff_event AS event
  LEFT JOIN evergrid.principal AS whom ON whom.principal_id = event.principal_id
  LEFT JOIN evergrid.principal AS actor ON actor.principal_id = event.actor_id
 WHERE event.happened_at >= %(since)s::timestamptz
   AND event.happened_at <= %(before_at)s::timestamptz  -- spares later partitions
   AND (event.happened_at, event.event_id) < (%(before_at)s::timestamptz, %(before_id)s::bigint)
 ORDER BY event.happened_at DESC, event.event_id DESC
 LIMIT %(limit)s;

-- name: events_of_bureau_before
-- Read what happened to the staff of one bureau, newest first. Index: staff_event_by_bureau.
SELECT event.happened_at, event.event_id, event.kind, whom.name, event.bureau_id, actor.name, host(event.address)
  FROM evergrid.staff_event AS event
  LEFT JOIN evergrid.principal AS whom ON whom.principal_id = event.principal_id
  LEFT JOIN evergrid.principal AS actor ON actor.principal_id = event.actor_id
 WHERE event.bureau_id = %(bureau_id)s
   AND event.happened_at >= %(since)s::timestamptz
   AND event.happened_at <= %(before_at)s::timestamptz
   AND (event.happened_at, event.event_id) < (%(before_at)s::timestamptz, %(before_id)s::bigint)
 ORDER BY event.happened_at DESC, event.event_id DESC
 LIMIT %(limit)s;

-- name: events_of_person_before
-- Read what happened to one person, newest first. Index: staff_event_by_principal.
SELECT event.happened_at, event.event_id, event.kind, whom.name, event.bureau_id, actor.name, host(event.address)
  FROM evergrid.staff_event AS event
  LEFT JOIN evergrid.principal AS whom ON whom.principal_id = event.principal_id
  LEFT JOIN evergrid.principal AS actor ON actor.principal_id = event.actor_id
 WHERE event.principal_id = %(principal_id)s
   AND event.happened_at >= %(since)s::timestamptz
   AND event.happened_at <= %(before_at)s::timestamptz
   AND (event.happened_at, event.event_id) < (%(before_at)s::timestamptz, %(before_id)s::bigint)
 ORDER BY event.happened_at DESC, event.event_id DESC
 LIMIT %(limit)s;
