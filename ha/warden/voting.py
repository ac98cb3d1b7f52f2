"""
Voting: the voter fence as a pure function, from what one warden sees to its next step.

Invariant: **never are two nodes able to acknowledge a commit.** A commit is acknowledged when the
primary and `len(voters) - quorum` of the voters have it. Once `quorum + 1` voters neither receive
nor confirm WAL of a leadership, fewer are left than it needs: it can acknowledge nothing more,
whatever it believes. Only then is its lease revoked. README.md has the argument, step by step.

What is promised stands in etcd, what is fenced stands in the kernel: a warden that crashes between
two steps goes on with the next. What it remembers itself only makes it more careful when lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ha.warden import patience
from ha.warden.facts import Leader, Peer, Postgres, Probe, Promise, Store

# One observer may have a broken cable of its own.
_OBSERVERS_MIN = 2

Deed = Literal["fence", "promise", "release", "decide", "revoke", "lift"]


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next, about which host, and why, as the end of a sentence for the log."""

    deed: Deed
    host: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """
    What one warden sees at `now_s`.

    `fenced` are the hosts that this kernel sends nothing to, with when that began; its PostgreSQL
    receives no WAL from them. `promised_s` is when it last promised (or started); `released_s`
    when it was last answered that no promise of its own stands, nor can one still arrive late;
    None if one was sent since. `ended_lease` is the last one that etcd said is gone for good.
    """

    me: str
    now_s: float
    store: Store
    postgres: Postgres | None
    peers: Mapping[str, Peer]
    fenced: Mapping[str, float]
    promised_s: float
    released_s: float | None
    ended_lease: int | None = None

    @property
    def leader(self) -> Leader | None:
        """The leader's key, as of the last look at the store."""
        return self.store.leader

    @property
    def promise(self) -> Promise | None:
        """What this host has promised."""
        return self.store.promises.get(self.me)


def next_step(view: View) -> Step | None:
    """Return what this warden does next, or None; a step that failed is simply the next again."""
    if not _is_fresh(view):
        return None  # whoever does not know what is decided does nothing
    leader = view.leader
    if leader is not None and is_decided(view.store, leader.revision):
        return Step("revoke", leader.host, "the verdict stands, and its lease does")
    if view.promise is not None:
        return _under_promise(view, view.promise)
    if view.fenced:
        return _fenced_without_promise(view, min(view.fenced))
    return _first_step(view)


def strays(view: View, standing: set[str]) -> set[str]:
    """
    Return the fences that stand unknown to `view`, and that nothing calls for.

    An attempt that failed may have left its route. One that is promised, or that is the next step,
    is not adopted: the next attempt ends the receiver too, as a promise needs it.
    """
    if not _is_fresh(view):
        return set()
    step = next_step(view)
    wanted = {step.host} if step is not None and step.deed == "fence" else set()
    if view.promise is not None:
        wanted.add(view.promise.against)
    return standing - view.fenced.keys() - wanted


def keeps_its_word(view: View) -> bool:
    """
    Test if PostgreSQL may run here: whatever this host has promised, its kernel keeps.

    A promise outlives a reboot, in etcd; a route does not.
    """
    if not _is_fresh(view):
        return False
    promise = view.promise
    return promise is None or promise.against in view.fenced or bool(_is_over(view, promise))


def outvoted(view: View) -> str | None:
    """
    Return the host whose leadership a verdict has ended while this host keeps its promise, or None.

    Whatever that host says of itself binds nobody here: without those who promised, it can
    acknowledge nothing more. None as well once anybody leads anew.
    """
    promise, leader = view.promise, view.leader
    if not _is_fresh(view) or promise is None or promise.against not in view.fenced:
        return None
    if leader is not None and leader.revision != promise.about:
        return None
    return promise.against if is_decided(view.store, promise.about) else None


def is_decided(store: Store, revision: int) -> bool:
    """Test if there is a verdict on the leadership that began at `revision`."""
    return store.verdict is not None and store.verdict.about == revision


def suspicion(view: View) -> str | None:
    """
    Return why the leader's host is taken for lost, or None.

    Every way of asking is silent for a second: its kernel (even a refusal is a sign of life), its
    stream of WAL, its sign of life in etcd. One that lives only in etcd is cut off from here, not
    lost: its commits wait, and it knows. A kernel that answers for programs which all are silent
    is given four seconds.
    """
    leader, store = view.leader, view.store
    if leader is None or leader.host == view.me or leader.host not in view.peers:
        return None
    peer = view.peers[leader.host]
    beat_s = view.now_s - store.beat_seen_s.get(leader.host, float("-inf"))
    stream_s = view.now_s - view.postgres.heard_s if view.postgres else float("inf")
    for probe, patience_s, what in (
        (peer.kernel, patience.SILENT_S, "answers nothing"),
        (peer.warden, patience.MUTE_S, "has a kernel that answers, programs that do not,"),
    ):
        silent_s = _silent_s(probe, view.now_s)
        if min(silent_s, beat_s, stream_s) >= patience_s:
            return f"it {what} for {silent_s:.1f} s, and leaves no sign of life in etcd"
    return None


def hindrance(view: View) -> str | None:
    """Return what forbids ending the leadership before its lease does, or None."""
    store = view.store
    if store.is_paused:
        return "the cluster is paused"
    if store.has_failover_key:
        return "a switchover is under way"
    if store.is_cooling:
        return "there was a verdict against it a moment ago"
    if store.sync is None or view.me not in store.sync.voters:
        return "this host is no voter"
    return None


def leader_silent_s(view: View) -> float:
    """Return for how long the leader's host has answered no probe; 0 if it does, or is unknown."""
    peer = view.peers.get(view.leader.host) if view.leader else None
    if peer is None or peer.kernel.silent_since_s is None:
        return 0.0
    return view.now_s - peer.kernel.silent_since_s


def reticence(view: View) -> str | None:
    """Return what keeps this host from acting upon a suspicion, unless it has acted already."""
    leader = view.leader
    if leader is None or view.promise or view.fenced or is_decided(view.store, leader.revision):
        return None
    return hindrance(view)


def _is_fresh(view: View) -> bool:
    return view.now_s - view.store.seen_s <= patience.STORE_FRESH_S


def _silent_s(probe: Probe, now_s: float) -> float:
    """Return for how long a party has been silent; 0 if too few attempts say so."""
    if probe.silent_since_s is None or probe.unanswered < patience.SILENT_PROBES:
        return 0.0
    return now_s - probe.silent_since_s


def _first_step(view: View) -> Step | None:
    """Return the fence against a suspected leader, unless that was tried in vain just now."""
    leader, why = view.leader, suspicion(view)
    if leader is None or why is None or hindrance(view):
        return None
    if view.released_s is not None and view.now_s - view.released_s < patience.PROMISE_REST_S:
        return None
    return Step("fence", leader.host, why)


def _fenced_without_promise(view: View, host: str) -> Step:
    """Return the promise that a fresh fence was put up for, or the way back to no fence."""
    leader, why = view.leader, suspicion(view)
    is_fresh = view.now_s - view.fenced[host] < patience.SILENT_S
    if leader is not None and leader.host == host and why and is_fresh and not hindrance(view):
        return Step("promise", host, why)
    if view.released_s is None:
        return Step("release", host, "nothing is promised about it that still holds")
    return Step("lift", host, "nothing is promised")


def _under_promise(view: View, promise: Promise) -> Step | None:
    """Return the next step of a host that has promised; its fence is as good as its promise."""
    leader = view.leader
    over = _is_over(view, promise)
    if over is None and promise.against not in view.fenced:
        return Step("fence", promise.against, "it is promised, and no fence stands")
    if leader is not None and leader.revision == promise.about:
        return _verdict(view, leader) or _withdrawal(view, leader)
    if _may_be_revoked_late(view, promise):
        return Step("revoke", promise.against, "nobody says yet that its lease is gone")
    return Step("release", promise.against, over) if over else None


def _may_be_revoked_late(view: View, promise: Promise) -> bool:
    """
    Test if a revocation that is still on its way could end a leadership to come.

    Patroni may give its key up and take it again on the same lease. Until etcd has said that the
    lease is gone, promises stand: whoever leads on it acknowledges nothing.
    """
    verdict = view.store.verdict
    is_about_it = verdict is not None and verdict.about == promise.about
    return is_about_it and verdict is not None and verdict.lease != view.ended_lease


def _verdict(view: View, leader: Leader) -> Step | None:
    """Return the decision that ends the leadership, if enough voters have promised."""
    store = view.store
    if store.sync is None or hindrance(view):
        return None
    promised = {p.host for p in store.promises.values() if p.about == leader.revision}
    needed = max(_OBSERVERS_MIN, store.sync.quorum + 1)
    if len(promised & store.sync.voters) < needed:
        return None
    return Step("decide", leader.host, f"{' and '.join(sorted(promised))} have promised")


def _withdrawal(view: View, leader: Leader) -> Step | None:
    """Return the step that takes a promise back while no verdict relies on it."""
    if view.now_s - view.store.beat_seen_s.get(leader.host, float("-inf")) < patience.SILENT_S:
        return Step("release", leader.host, "it gives signs of life again")
    if view.now_s - view.promised_s > patience.PROMISE_S:
        return Step("release", leader.host, "too few others share the suspicion")
    return None


def _is_over(view: View, promise: Promise) -> str | None:
    """
    Return why a promise is not needed any more because its leadership has ended, or None.

    The old leader leads anew; or this host takes its WAL from another leader, or is one; or nobody
    leads while the old leader itself said, knowing of the verdict, that it is no primary: then it
    needs this host's vote to become one. (A sign of life that arrives late knows nothing of it.)
    """
    leader, store = view.leader, view.store
    if leader is not None and leader.revision == promise.about:
        return None
    if leader is None:
        beat, verdict = store.beats.get(promise.against), store.verdict
        if beat is None or verdict is None or beat.is_primary or beat.verdict != verdict.revision:
            return None
        return "it is no primary any more"
    if leader.host == promise.against:
        return "it leads anew"
    return _is_bound_elsewhere(view, leader)


def _is_bound_elsewhere(view: View, leader: Leader) -> str | None:
    """Return why this host cannot confirm the old leader's WAL any more, fence or no fence."""
    postgres = view.postgres
    if postgres is None or view.now_s - postgres.seen_s > patience.POSTGRES_FRESH_S:
        return None
    if leader.host == view.me and not postgres.is_in_recovery:
        return "this host leads now"
    if postgres.streams_from == leader.host:
        return f"this host takes its WAL from {leader.host} now"
    return None
