-- name: add_staff
-- Record a person who signs in.
INSERT INTO evergrid.staff
       (principal_id, bureau_id, full_name, created_at, must_change_password, oidc_subject)
VALUES (%(principal_id)s, %(bureau_id)s, %(full_name)s, %(created_at)s, false, %(oidc_subject)s);

-- name: staff_by_name
-- Read a person. Index: principal_name_key, staff_pkey.
SELECT principal.principal_id, principal.name, staff.full_name, principal.role, staff.bureau_id,
       staff.created_at, staff.locked_at, staff.must_change_password
  FROM evergrid.principal
  JOIN evergrid.staff USING (principal_id)
 WHERE principal.name = %(name)s;

-- name: staff_by_subject
-- Read whom an OIDC issuer speaks of. Index: staff_oidc_subject_key.
SELECT principal.principal_id, principal.name, staff.full_name, principal.role, staff.bureau_id,
       staff.created_at, staff.locked_at, staff.must_change_password
  FROM evergrid.staff
  JOIN evergrid.principal USING (principal_id)
 WHERE staff.oidc_subject = %(oidc_subject)s;

-- name: staff_after
-- Read a page of the people whom the caller sees, by name. Index: principal_name_key.
SELECT principal.principal_id, principal.name, staff.full_name, principal.role, staff.bureau_id,
       staff.created_at, staff.locked_at, staff.must_change_password
  FROM evergrid.principal
  JOIN evergrid.staff USING (principal_id)
 WHERE principal.name > %(after)s
 ORDER BY principal.name
 LIMIT %(limit)s;

-- name: set_locked
-- Lock a person out from a moment on, or let them in again with NULL. Index: staff_pkey.
UPDATE evergrid.staff
   SET locked_at = %(locked_at)s::timestamptz
 WHERE principal_id = %(principal_id)s;

-- name: set_must_change
-- Say if a person must change their password. Index: staff_pkey.
UPDATE evergrid.staff
   SET must_change_password = %(must_change_password)s
 WHERE principal_id = %(principal_id)s;

-- name: password_hash
-- Read what a person's password is compared with. Index: staff_password_pkey.
SELECT password_hash
  FROM evergrid.staff_password
 WHERE principal_id = %(principal_id)s;

-- name: set_password
-- Record a person's password, the first or a new one. Index: staff_password_pkey.
INSERT INTO evergrid.staff_password (principal_id, password_hash, changed_at)
VALUES (%(principal_id)s, %(password_hash)s, %(changed_at)s)
ON CONFLICT (principal_id) DO UPDATE
   SET password_hash = excluded.password_hash, changed_at = excluded.changed_at;

-- name: add_event
-- Record what happened to a person.
INSERT INTO evergrid.staff_event (happened_at, kind, principal_id, bureau_id, actor_id, address)
VALUES (%(happened_at)s, %(kind)s, %(principal_id)s, %(bureau_id)s, %(actor_id)s, %(address)s::inet);
