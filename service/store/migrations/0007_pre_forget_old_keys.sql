-- Forgets idempotency keys a month at a time, by dropping partitions: no DELETE, no bloat.
-- Whatever it is asked, it keeps the 30 days that clients are promised.
CREATE FUNCTION evergrid.forget_idempotency_keys(before date)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog
-- Dropping needs the table for itself for an instant; who cannot have it at once tries again later.
SET lock_timeout = '1s' AS $$
DECLARE
    part      text;
    forgotten integer := 0;
BEGIN
    FOR part IN
        SELECT child.relname
          FROM pg_inherits
          JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
         WHERE pg_inherits.inhparent = 'evergrid.idempotency_key'::regclass
           AND to_date(right(child.relname, 6), 'YYYYMM') + interval '1 month'
               <= least(before, current_date - 30)
    LOOP
        EXECUTE format('DROP TABLE evergrid.%I', part);
        forgotten := forgotten + 1;
    END LOOP;
    RETURN forgotten;
END $$;
REVOKE ALL ON FUNCTION evergrid.forget_idempotency_keys FROM PUBLIC;
GRANT EXECUTE ON FUNCTION evergrid.forget_idempotency_keys TO evergrid_worker;
