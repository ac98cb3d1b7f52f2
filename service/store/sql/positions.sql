-- name: position
-- Ask where this server stands in the WAL.
SELECT evergrid_cluster.position();

-- name: demand
-- Let what follows in the same message run only where a position was replayed.
SELECT evergrid_cluster.demand(%(lsn)s::pg_lsn);

-- name: server
-- Ask which run of which server this is.
SELECT evergrid_cluster.server();

-- name: history
-- Read where the timelines ended that a timeline descends from.
SELECT evergrid_cluster.history(%(timeline)s::integer);
