"""
Patience: how often the warden looks, how long it waits before it acts; each with its reason.

All in seconds. The wardens run at real-time priority: these are waits for others, not for a CPU.
"""

from __future__ import annotations

# --- looking -------------------------------------------------------------------------------------

# Looks are more frequent for so long from each step of a failover on: the next one takes two
# seconds at most, but for the lease's end, which is a step of its own.
EAGER_MAX_S = 5.0
# The decisions' own loop. It reads memory only; every action takes one turn.
TURN_S = 0.1
# ... while every step of a failover waits for the last.
TURN_EAGER_S = 0.05
# PostgreSQL on the standing connection. What it says decides where clients are sent.
POSTGRES_EVERY_S = 0.25
# ... while it is between two roles: whoever waits for the new primary waits for this.
POSTGRES_EAGER_S = 0.03
# ... and while a stop that was announced is about to follow, so that clients are sent away as it
# begins: each that comes while a server ends costs it a process, a handshake (24 in 0.4 s, seen).
STOP_FOLLOWS_S = 3.0
# A new connection that writes: some 5 ms of a core each time.
CANARY_EVERY_S = 1.0
# ... when the last one failed. Short: a new primary's first one is what its clients wait for.
CANARY_AGAIN_S = 0.05
# ... when the server said that it is going down: one in vain costs it a process, while others wait
# for its end; it was but one session that was ended, perhaps.
CANARY_DOOMED_S = 0.25
# Patroni's REST API asks PostgreSQL each time: 10 ms of a core with the handshake. Its word holds
# for eight seconds when it is silent; a change of role asks at once.
PATRONI_EVERY_S = 1.0
# etcd: one transaction that reads all, and on the primary's host leaves a sign of life.
STORE_EVERY_S = 0.4
# Replicas leave one less often: each is a write to three disks, and only their role is in it.
BEAT_OF_REPLICA_S = 1.0
# ... once the primary has been silent for half a second: each step of the fence waits for the last.
STORE_EAGER_S = 0.05
# The leader's host, from a replica: three unanswered in a row are needed for a suspicion. The
# replicas' hosts, from the primary's, which wants to know if it is alone; nobody else asks.
PROBE_EVERY_S = 0.25
# The kernel's routes: somebody may take a fence away, an attempt that failed may leave one. Each
# look is a call of ip(8), some 2 ms of a core, which is no more than a turn can stand.
FENCE_EVERY_S = 1.0
# /proc and the disk; the end of PostgreSQL is known at once.
HOST_EVERY_S = 0.4

# --- how long an answer may take -----------------------------------------------------------------

POSTGRES_ANSWER_S = 1.0
# Two cores with everything on them: a new connection seldom takes more than 0.1 s.
CANARY_ANSWER_S = 3.0
PATRONI_ANSWER_S = 2.0
STORE_ANSWER_S = 0.5
# A SYN that is lost is sent again after 1 s: a probe does not wait for that, the next one is sent.
# (A question on a kept line TCP repeats within that time by itself.)
PROBE_ANSWER_S = 0.4

# Until a warden that has just started knows what to answer.
FIRST_LOOKS_S = 1.0

# --- how old knowledge may be --------------------------------------------------------------------

# A primary that could not be written to for this long gets no clients. Three canaries: a machine
# with two busy cores is slow, not broken, and taking its clients away would break their requests.
CANARY_FRESH_S = 3.0
POSTGRES_FRESH_S = 2.0
# Patroni restarts within 4 s; its word holds meanwhile, far below the lease it spoke of (20 s).
PATRONI_WORD_S = 8.0
STORE_FRESH_S = 1.0
# A load balancer that calls this host down waits so long for its answer; its own `timeout check` is
# 500 ms.
HELD_S = 0.3
# A replica whose stream ended this lately may be about to lead.
LOST_LATELY_S = 10.0
# A replica whose primary is gone still answers reads: clients' tokens say how new they must be.
# For as long it does not ask the archive either.
STREAMED_LATELY_S = 60.0
# A host that is about to lead asks the archive for no newer timeline if it streamed a second ago.
NOTE_EVERY_S = 0.2

# --- how long until something is done ------------------------------------------------------------

# No answer of any kind, to at least this many probes: the host is suspected.
SILENT_S = 1.0
UNEASY_S = 0.5
SILENT_PROBES = 3
# A kernel still answers, no program does: a host that is paused, not one that is slow, for wardens
# take precedence over whatever makes a host slow.
MUTE_S = 4.0
# A promise that led to no verdict is taken back: another replica did not share the suspicion.
PROMISE_S = 3.0
# ... and the next one made only after this: while fenced off, nobody can see that it lives. Shorter
# than a promise waits, or two voters that began apart would rest in turn for ever (at 5 s behind a
# link that flapped: until the lease ended, 20 s).
PROMISE_REST_S = 2.0
# After a verdict no other one against the same host for a while: a link that flaps costs it once,
# and a host is never put aside more often than its lease could run out. Not longer: one that was
# repaired, leads again and is lost again would cost 25 s.
COOLING_S = 20
# Cut off from etcd and from every other host: stop speaking for PostgreSQL, then stop it. Its
# commits wait for replicas it cannot reach, so nothing is acknowledged meanwhile. It is stopped
# before the others have one of their own. They take 1.9 s at least: a second to suspect, then the
# vote, then the election; it 1.7 s at most: a probe's pause, these, a turn, and the stop itself.
ISOLATED_S = 1.1
ISOLATED_STOP_S = 1.3
# The kernel says "stopped": no doubt, only the time to let a debugger go on again.
FROZEN_S = 1.5
# Alive by the kernel's word, yet silent: far beyond what two busy cores can cause.
HUNG_S = 12.0
# How long an announced stop of PostgreSQL is expected (`ha.handover` believes the note as long).
PLANNED_STOP_S = 15.0
# Repeats of what may have been missed: waking Patroni, revoking the lease.
AGAIN_S = 0.5
# A step that failed is taken again, but not at every turn.
RETRY_S = 0.2
# A full disk is handed over again while this host leads on: a PostgreSQL that found no room for its
# WAL has crashed, and recovers in vain until `primary_start_timeout` unless Patroni is told anew.
HAND_OVER_AGAIN_S = 3.0

# --- disk ----------------------------------------------------------------------------------------

# Less than this and the next segments of WAL (4 MiB each), or its shutdown checkpoint, may not fit.
DISK_LOW_BYTES = 48 * 1024 * 1024
# Set aside; given back to PostgreSQL when the disk is full, so that it can stop in good order.
BALLAST_BYTES = 64 * 1024 * 1024
