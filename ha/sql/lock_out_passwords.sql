-- Take away each password that came with a backup; Patroni has set its own three anew.
DO $$
DECLARE name text;
BEGIN
    FOR name IN
        SELECT rolname FROM pg_authid
         WHERE rolpassword IS NOT NULL AND rolname NOT IN ('postgres', 'replicator', 'rewind_user')
    LOOP
        EXECUTE format('ALTER ROLE %I PASSWORD NULL', name);
    END LOOP;
END $$;
