"""
The budgets of the drills: every promise, every patience, each with its name, its reason.

A *promise* is what a client is told; a drill that breaks one fails. A *patience* bounds a wait of
the drill itself, so that a drill which hangs ends and says what it last saw. Patience is longer
than any promise: a broken promise is measured, then reported, not cut short.
"""

from __future__ import annotations

# --- promises: the longest write stall, by what was broken --------------------------------------

# Planned: checkpoint, stop, promote, the routes follow. A prototype took 0.6 to 0.9 s.
SWITCHOVER_WRITE_STALL_S = 1.0

# The kernel tells at once that the postmaster ended; up to one loop of Patroni, then a promotion.
POSTMASTER_KILLED_WRITE_STALL_S = 2.0

# What stands still, or can store nothing, must first be given up: a second or two of silence, then
# it is stopped for certain, then as above.
STANDING_STILL_WRITE_STALL_S = 6.0

# A second of suspicion, the voters' promise, the lease, a promotion: 2.0 to 2.2 s in a prototype.
HOST_LOST_WRITE_STALL_S = 4.0

# The same, while etcd elects a leader of its own (1 to 2 s).
HOST_AND_ETCD_LEADER_LOST_WRITE_STALL_S = 6.0

# A link that comes and goes: an outage that ends during the vote (1.2 s) keeps commits waiting
# until the fences are lifted, the next one (1.5 s later) ends in a failover. 2.6 to 3.4 s where
# the first was enough, 6.2 s where it took both.
FLAPPING_WRITE_STALL_S = 8.0

# Nothing that serves was touched: only a request of that moment may be repeated.
UNTOUCHED_WRITE_STALL_S = 0.5

# One of two that serve is gone: the other takes over, what was in flight is repeated.
SERVER_LOST_STALL_S = 1.0

# A host that was paused whole believes what it knew before for so long after it goes on: a turn of
# its warden, which reads etcd anew, and an immediate stop.
WAKING_S = 1.0

# --- promises: the longest time without an answered read ----------------------------------------

READ_STALL_S = 0.5
HOST_LOST_READ_STALL_S = 1.0

# --- promises: reads from replicas ---------------------------------------------------------------

# Of the reads that carry a token, while replay is paused at random.
REPLICAS_SHARE_MIN = 0.9

# --- how long a fault lasts ---------------------------------------------------------------------

# As clients' contracts have it: etcd away, Patroni frozen, a slow network, for a minute.
MINUTE_S = 60.0

# Longer than the lease of 20 s: a cut that ends before says nothing about failing over.
LEASE_AND_MORE_S = 30.0

# Failsafe mode has replicas believe in a primary for 20 s after it asked them last. A primary that
# is lost later than so many seconds after etcd's return would be given up soon anyway.
STILL_BELIEVED_S = 10.0

# Long enough for any failure detector of ours to be tempted, shorter than the API's deadline.
CUT_S = 8.0

# What a drill breaks for CUT_S keeps commits waiting that long, then connections are found dead or
# replicas come back (5 s of their own timeouts).
UNCONFIRMED_WRITE_STALL_S = CUT_S + 6.0

# Until the first refusal: the API's deadline, within a client's patience, has to pass.
REFUSED_S = 40.0

# CPU burners at work, unless more is asked for (`--duration 1800`).
SATURATED_S = 60.0

# Ten outages of a link. A host is suspected after 1 s and voted out soon after, its own warden
# stops its PostgreSQL after 1.3 s: some end before anybody suspects, some while the vote goes on,
# some after it. Together they take longer than the 20 s in which no second verdict comes.
FLAPS_DOWN_S = (0.5, 1.2, 1.5, 0.5, 2.5, 1.5, 3.5, 0.5, 2.0, 1.2)
FLAP_UP_S = 1.5

LATENCY_S = 0.2
LOSS = 0.05

# Paid after the moment that is restored to: what must not be there.
PAID_AFTER_THE_MOMENT_S = 5.0
# Reads for which replay stays paused, then goes on, at random: about as many milliseconds.
REPLAY_PAUSED_READS = (50, 1_500)

# A payment that replicas had confirmed before they were lost may still be on its way to its client.
IN_FLIGHT_S = 0.5

# --- promises: everything else ------------------------------------------------------------------

# The service's own limits: of one attempt of a transaction; of a request, until it is refused. As
# long after the cure somebody may be refused who waited, or waits for those who did.
ATTEMPT_S = 12.0
API_DEADLINE_S = 27.0

# Beyond the stall that was measured, the backlog drains: 0.4 s in a prototype, on two cores that do
# everything. Longer only where others' writes go on, or soon do, while one request waits.
SLOWEST_BEYOND_STALL_S = 1.5
# ... of a link that flaps: what was sent into one outage may be repeated in the next. Up to 10 s
# measured, 15 s with outages of half a second; less than clients wait with the stall before it.
FLAPPING_SLOWEST_BEYOND_STALL_S = 15.0
# ... of an app host: what it had in hand is repeated when TCP has missed it for 2 s (keepalive of
# the edge); meanwhile the other app host takes writes. 1.7 to 2.4 s measured.
APP_HOST_LOST_SLOWEST_BEYOND_STALL_S = 2.0 + SLOWEST_BEYOND_STALL_S
# ... of an edge: who connects while nobody holds the address does so again a second later, as the
# kernel does (RFC 6298, 2.1); the address moved within 0.4 s. 0.9 to 2.0 s measured.
EDGE_LOST_SLOWEST_BEYOND_STALL_S = 1.0 + SLOWEST_BEYOND_STALL_S
# ... of a cut: what was sent into it late, over a connection that it left half open, waits for the
# rest of an attempt while new ones are served. 1.4 to 4.1 s measured.
CUT_FROM_APPS_SLOWEST_BEYOND_STALL_S = ATTEMPT_S - CUT_S + SLOWEST_BEYOND_STALL_S

# The slowest answer where no stall is promised that it could be measured by:
# ... one of two replicas is gone: as much as where nothing that serves was touched. 0.6 to 1.9 s.
REPLICA_LOST_SLOWEST_S = UNTOUCHED_WRITE_STALL_S + SLOWEST_BEYOND_STALL_S
# ... an old primary that is neither dead nor reached keeps what is attached to it for an attempt;
# then it is repeated. 2.9 to 10.5 s isolated, 6.1 to 10.9 s paused.
OLD_PRIMARY_SLOWEST_S = ATTEMPT_S + SLOWEST_BEYOND_STALL_S
# ... all is slow, nothing lost: later than its deadline no request is answered as it was asked.
# 9 to 14 s behind a slow line; 14 s in half an hour of saturation.
MERELY_SLOW_SLOWEST_S = API_DEADLINE_S

# Once nothing is broken any more: PostgreSQL boots, is rewound or cloned, streams, is a quorum
# standby again; all members of etcd are healthy; every program runs.
REJOIN_S = 90.0

# The demo's books on a fresh lab, beside the one that goes on: boot, copy, replay, two replicas.
RESTORE_S = 180.0

# A connection that idled with an edge whose host was lost, a client's keepalive finds out within a
# second of the move of the address; what it sends over it before, it has to repeat.
ADDRESS_MOVED_GRACE_S = 1.0

# --- patience -----------------------------------------------------------------------------------

# A lab that was just brought up may still be cloning its replicas; one left broken by the drill
# before may have to.
HEALTHY_S = 180.0

# The first backup of a lab that was just brought up takes ten seconds, when somebody has time.
FIRST_BACKUP_S = 180.0

# How often clients pay, how often they read: more than a province's need (1.5 million accounts).
PAYMENTS_PER_S = 100.0
READS_PER_S = 100.0

# Sessions that read what they pay, readers of each: together they keep two cores busy.
SESSIONS = 16
READERS_EACH = 2

# What the service's documentation tells its clients to wait.
CLIENT_TIMEOUT_S = 30.0

# Below: caches, connections and prepared statements are cold, a PostgreSQL that has just started
# touches its memory for the first time, latencies say nothing. What breaks in a data centre has
# been at work for days. (After 5 s, behind a drill that had killed a postmaster, 2 % of the
# processors were idle; behind one that had not, 22 %.)
WARM_UP_S = 20.0
# How busy the machine is by itself shows in the last of them.
LOOK_S = 5.0

# A payment answered later than this before anything is broken: the machine is busy with something
# else, or has just come up (two seconds in pace on a lab that was up for five: an idle share of 8 %
# instead of 30, and a switchover of 1.3 s). The drill waits until there was none for so long, then
# gives up: it could not be judged.
PACE_S = 0.5
IN_PACE_S = 5.0
# ... or have caught up after an outage.
CAUGHT_UP_S = 1.0
PACE_PATIENCE_S = 60.0

# Load goes on this long after the recovery, to see the backlog drain and nothing fail late.
AFTERWARDS_S = 4.0

# A fault is in effect at once; this bounds how long its proof may take.
FAULT_PROVEN_S = 10.0

# So few reads a second at least, on a machine that does everything else too.
READS_PER_S_MIN = 50.0

# A primary lost without a word, with the lease's full length (24 s) to wait, twice.
RECOVERY_S = 45.0

# Until the whole lab is as it was.
WHOLE_S = 240.0

# One look at one database host. Longer than Patroni needs on a busy machine, short enough that a
# dead host does not hide behind it.
SAMPLE_TIMEOUT_S = 1.0

# How often a database host is looked at: two primaries by PostgreSQL's own word are seen for sure
# if they last twice as long, two that take clients' writes if they last twice the second. A look at
# Patroni is a handshake with a question to PostgreSQL, 10 ms of a core that clients would have; one
# at a warden is an answer from memory on a connection that stays.
SAMPLE_EVERY_S = 0.5
WARDEN_SAMPLE_EVERY_S = 0.2

# The load client ends by itself after this even if the drill was killed: all patience above, once.
LOAD_LONGEST_S = 600.0

# The same for each fault of a soak: broken for a minute, whole again as late as ever.
SOAKED_LONGEST_S = 360.0

# After a wait of its own, a drill gives the clients this long for one more acknowledged write: a
# whole failover, should a second one come in between.
LOAD_ANSWERED_S = 40.0
