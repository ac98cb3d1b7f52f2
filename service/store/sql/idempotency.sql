-- name: lock_key
-- Let one transaction at a time decide about a key: the table's partitions cannot share a unique index.
SELECT pg_advisory_xact_lock(hashtextextended(%(key)s::text, %(principal_id)s::bigint));

-- name: answer_under_key
-- Read the answer already given under a key. Index: the primary key of each living partition.
SELECT request_sha256, status, headers, body
  FROM evergrid.idempotency_key
 WHERE principal_id = %(principal_id)s
   AND key = %(key)s
   AND claimed_at >= %(kept_since)s;

-- name: keep_answer
-- Keep the answer given under a key, in the transaction of its effect.
INSERT INTO evergrid.idempotency_key
       (principal_id, key, claimed_at, request_sha256, status, headers, body)
VALUES (%(principal_id)s, %(key)s, %(claimed_at)s, %(request_sha256)s, %(status)s, %(headers)s, %(body)s);

-- name: forget_keys
-- Drop the partitions that hold only keys claimed before a day.
SELECT evergrid.forget_idempotency_keys(%(before)s::date);
