-- Administrators, auditors read what happened to the staff. The fence from before (policy `bureau`) holds for it:
-- a bureau sees what happened to its own people, and no name that nobody has.
CREATE INDEX staff_event_by_time   ON evergrid.staff_event (happened_at, event_id);
CREATE INDEX staff_event_by_bureau ON evergrid.staff_event (bureau_id, happened_at, event_id);

GRANT SELECT ON evergrid.staff_event TO evergrid_api;
