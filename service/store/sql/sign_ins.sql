-- name: begin_session
-- Begin a session; nothing if the same sign-in began it before.
INSERT INTO evergrid.staff_session (session_id, principal_id, began_at, ends_at, is_by_issuer)
VALUES (%(session_id)s, %(principal_id)s, %(began_at)s, %(ends_at)s, %(is_by_issuer)s)
ON CONFLICT (session_id) DO NOTHING;

-- name: session
-- Read a session with whom it stands for. Index: staff_session_pkey, staff_pkey, principal_pkey.
SELECT principal.principal_id, principal.name, principal.role, principal.bureau_id,
       staff.must_change_password AND NOT staff_session.is_by_issuer, staff_session.began_at, staff_session.ends_at,
       staff_session.ended_at, staff.locked_at IS NOT NULL
  FROM evergrid.staff_session
  JOIN evergrid.staff USING (principal_id)
  JOIN evergrid.principal USING (principal_id)
 WHERE staff_session.session_id = %(session_id)s;

-- name: end_session
-- End a session. Index: staff_session_pkey.
UPDATE evergrid.staff_session
   SET ended_at = %(ended_at)s
 WHERE session_id = %(session_id)s
   AND ended_at IS NULL;

-- name: end_sessions_of
-- End every session of a person but one, or none excepted with ''. Index: staff_session_by_principal.
UPDATE evergrid.staff_session
   SET ended_at = %(ended_at)s
 WHERE principal_id = %(principal_id)s
   AND session_id <> %(but)s
   AND ended_at IS NULL;

-- name: meet_subject
-- Make sure that there is a row to hold for a name or an address.
INSERT INTO evergrid.sign_in_failure (subject, failures, last_failed_at, refused_until)
VALUES (%(subject)s, 0, %(now)s, %(now)s)
ON CONFLICT (subject) DO NOTHING;

-- name: hold_subject
-- Read the failures of a name or an address; whoever else asks waits. Index: sign_in_failure_pkey.
SELECT failures, last_failed_at, refused_until
  FROM evergrid.sign_in_failure
 WHERE subject = %(subject)s
   FOR UPDATE;

-- name: count_attempt
-- Record the attempts of a name or an address. Index: sign_in_failure_pkey.
UPDATE evergrid.sign_in_failure
   SET failures = %(failures)s, last_failed_at = %(last_failed_at)s, refused_until = %(refused_until)s
 WHERE subject = %(subject)s;

-- name: forgive
-- Forget all failures of a name. Index: sign_in_failure_pkey.
UPDATE evergrid.sign_in_failure
   SET failures = 0, refused_until = last_failed_at
 WHERE subject = %(subject)s;

-- name: forgive_one
-- Take back the attempt that an address was counted before it was judged. Index: sign_in_failure_pkey.
UPDATE evergrid.sign_in_failure
   SET failures = greatest(failures - 1, 0), refused_until = last_failed_at
 WHERE subject = %(subject)s;

-- name: forget_failures
-- Forget failures that no longer count. Index: sign_in_failure_by_time.
DELETE FROM evergrid.sign_in_failure
 WHERE last_failed_at < %(before)s;

-- name: forget_sessions
-- Forget sessions that nobody can call within any more. Index: staff_session_by_end.
DELETE FROM evergrid.staff_session
 WHERE ends_at < %(before)s;
