-- name: lock_making
-- Let one program at a time make partitions: two that make the same one fail both.
SELECT pg_advisory_xact_lock(hashtextextended('make_partitions', 0));

-- name: make_partitions
-- Make the missing partitions of every table that is cut by month; count them.
SELECT coalesce(sum(evergrid.make_partitions(parent.oid, %(first_day)s::date, %(months)s::integer)),
                0)::integer
  FROM pg_catalog.pg_partitioned_table AS cut
  JOIN pg_catalog.pg_class AS parent ON parent.oid = cut.partrelid
 WHERE parent.relnamespace = 'evergrid'::regnamespace;
