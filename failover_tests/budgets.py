"""
The budgets of the drills: every promise, every patience, each with its name, its reason.

A *promise* is what a client is told; a drill that breaks one fails. A *patience* bounds a wait of
the drill itself, so that a drill which hangs ends and says what it last saw.
"""

from __future__ import annotations

# --- promises ---------------------------------------------------------------------------------

# Plain Patroni after the loss of a host: ttl 20, up to 0.5 s until etcd's lease checker looks, 2 s
# for the REST call to the dead host, about 1 s more if etcd's leader moves, 0.5 s to promote:
# 24 s at most; the rest is for a machine with two cores that runs the whole data centre.
HOST_LOSS_NEW_PRIMARY_S = 30.0

# What clients feel of that: the same, as the first write is acknowledged within a second of it.
HOST_LOSS_WRITE_STALL_S = 30.0

# The API answers or refuses within its deadline (45 s); the edge adds at most 5 s of queue.
SLOWEST_ANSWER_S = 50.0

# A host that comes back boots PostgreSQL, is rewound, streams and is a quorum standby again.
REJOIN_S = 90.0

# --- patience ---------------------------------------------------------------------------------

# A lab that was just brought up may still be cloning its replicas.
HEALTHY_S = 60.0

# Longer than any answer of the API, so that a request that fails was failed by the data centre.
CLIENT_TIMEOUT_S = 60.0

# Below: caches, connections and prepared statements are cold, latencies say nothing.
WARM_UP_S = 10.0

# Load goes on this long after the recovery, to see the backlog drain and nothing fail late.
AFTERWARDS_S = 10.0

# A fault is in effect at once; this bounds how long its proof may take.
FAULT_PROVEN_S = 5.0

# One look at one database host. Longer than Patroni needs on a busy machine, short enough that a
# dead host does not hide behind it.
SAMPLE_TIMEOUT_S = 1.0

# How often a database host is looked at: two primaries for longer than this are seen.
SAMPLE_EVERY_S = 0.2

# The load client ends by itself after this even if the drill was killed: all patience above, once.
LOAD_LONGEST_S = 300.0

# After a wait of its own, a drill gives the clients this long for one more acknowledged write: a
# whole failover, should a second one come in between.
LOAD_ANSWERED_S = 40.0
