-- What only a superuser may look up, a question each, for the roles of our programs. The functions
-- belong to the superuser who runs `evergrid-service roles`, so they answer exactly this and nothing
-- else; every name is qualified, because a search_path of their own would cost each read 5 µs.
CREATE SCHEMA IF NOT EXISTS evergrid_cluster;
REVOKE ALL ON SCHEMA evergrid_cluster FROM PUBLIC;
GRANT USAGE ON SCHEMA evergrid_cluster TO evergrid_api;

-- Where this server stands in the WAL. A primary: `primary <walfile> <flushed>`, the first eight digits
-- of <walfile> being its timeline. A replica: `replica <replayed> <received> <receiving> <newest>`:
-- the timeline it receives from a primary, or `-`, then the newest history file it knows, or `-`.
-- Their order is part of the meaning: whatever was replayed when the first was read lies on the
-- timeline read after it, because a replica only ever moves on to descendants.
CREATE OR REPLACE FUNCTION evergrid_cluster.position() RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED SECURITY DEFINER AS $$
DECLARE
    replayed  pg_catalog.pg_lsn;
    received  pg_catalog.pg_lsn;
    receiving pg_catalog.int4;
BEGIN
    IF NOT pg_catalog.pg_is_in_recovery() THEN
        received := pg_catalog.pg_current_wal_flush_lsn();
        RETURN pg_catalog.concat_ws(' ', 'primary', pg_catalog.pg_walfile_name(received), received);
    END IF;
    replayed := pg_catalog.pg_last_wal_replay_lsn();
    received := pg_catalog.pg_last_wal_receive_lsn();
    receiving := (pg_catalog.pg_stat_get_wal_receiver()).received_tli;
    IF receiving IS NULL THEN
        RETURN pg_catalog.concat_ws(
            ' ', 'replica', replayed, coalesce(received, '0/0'), '-',
            coalesce((SELECT pg_catalog.max(file)
                        FROM pg_catalog.pg_ls_dir('pg_wal') AS file
                       WHERE file OPERATOR(pg_catalog.~) '^[0-9A-F]{8}[.]history$'), '-'));
    END IF;
    RETURN pg_catalog.concat_ws(' ', 'replica', replayed, coalesce(received, '0/0'), receiving, '-');
END $$;

-- Let a message pass only where `wanted` was replayed; the rest of it is not run otherwise. To be
-- asked before the statement it protects, whose snapshot is then later.
CREATE OR REPLACE FUNCTION evergrid_cluster.demand(wanted pg_catalog.pg_lsn) RETURNS void
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF pg_catalog.pg_is_in_recovery()
       AND pg_catalog.pg_last_wal_replay_lsn() OPERATOR(pg_catalog.<) wanted THEN
        RAISE EXCEPTION 'the replica has not replayed %', wanted USING ERRCODE = 'EG001';
    END IF;
END $$;

-- Which run of which server this is, with a timeline that it surely follows: `<timeline> <address> <port>
-- <begun>`. What is replayed only grows while one startup process runs; PostgreSQL starts another
-- when a backend crashed, from an earlier place. A primary: `- ...`.
CREATE OR REPLACE FUNCTION evergrid_cluster.server() RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
SELECT pg_catalog.concat_ws(
           ' ',
           CASE WHEN pg_catalog.pg_is_in_recovery()
                THEN greatest((SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
                              (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery())
                     )::pg_catalog.text
                ELSE '-' END,
           pg_catalog.inet_server_addr(), pg_catalog.inet_server_port(),
           (SELECT extract(epoch FROM backend_start)
              FROM pg_catalog.pg_stat_get_activity(NULL)
             WHERE backend_type OPERATOR(pg_catalog.=) 'startup'))
$$;

-- The history file of a timeline, where each that it descends from ended; NULL if there is none.
CREATE OR REPLACE FUNCTION evergrid_cluster.history(timeline integer) RETURNS text
    LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
SELECT pg_catalog.pg_read_file(
           pg_catalog.concat('pg_wal/', pg_catalog.lpad(pg_catalog.upper(pg_catalog.to_hex(timeline)), 8, '0'),
                             '.history'), 0, 1000000, true)
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA evergrid_cluster FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA evergrid_cluster TO evergrid_api;
