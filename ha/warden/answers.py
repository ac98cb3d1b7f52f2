"""Answers: whether clients may be sent to this host, judged from what is known; pure."""

from __future__ import annotations

from dataclasses import dataclass

from ha.warden import patience
from ha.warden.facts import Canary, Host, Patroni, Postgres, Store


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Yes or no, with the reason as a sentence for whoever looks at the load balancer's page.

    `is_final` makes a no count at once, where a load balancer would wait for another one.
    """

    is_yes: bool
    why: str
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything the warden knows at `now_s`; None: never heard."""

    me: str
    now_s: float
    postgres: Postgres | None = None
    canary: Canary | None = None
    patroni: Patroni | None = None
    host: Host | None = None
    store: Store
    is_isolated: bool = False


def primary(known: Known) -> Answer:
    """
    Judge if writes should be sent here.

    Patroni alone would say yes as soon as it holds the leader's key, and no while it restarts: its
    `GET /primary` means the key, not that PostgreSQL accepts writes (patroni/api.py).
    """
    refusal = _not_running(known) or _not_leading(known)
    if refusal is None and known.canary is not None and known.canary.is_going_down:
        return Answer(is_yes=False, why="PostgreSQL is going down", is_final=True)
    if refusal is None:
        age_s = known.now_s - known.canary.worked_s if known.canary else float("inf")
        if age_s <= patience.CANARY_FRESH_S:
            return Answer(is_yes=True, why=f"a write on a new connection worked {age_s:.1f} s ago")
        refusal = f"no write worked for {age_s:.1f} s"
    return Answer(is_yes=False, why=refusal)


def replica(known: Known, *, lag_max_bytes: int) -> Answer:
    """
    Judge if reads should be sent here: a replica that streams, or did until its primary was lost.

    It is not judged by its leader's fate: while nobody leads, replicas answer what they know, and
    clients' tokens say how new that must be.
    """
    refusal = _not_running(known)
    if refusal is not None:
        return Answer(is_yes=False, why=refusal)
    assert known.postgres is not None, "it runs"
    if not known.postgres.is_in_recovery:
        return Answer(is_yes=False, why="it is a primary")
    lag_bytes = _lag_bytes(known)
    if lag_bytes > lag_max_bytes:
        return Answer(is_yes=False, why=f"it is {lag_bytes} bytes behind")
    silent_s = known.now_s - known.postgres.heard_s
    if silent_s > patience.STREAMED_LATELY_S:
        return Answer(is_yes=False, why="it does not stream")
    return Answer(is_yes=True, why=f"{lag_bytes} bytes behind, streamed {silent_s:.1f} s ago")


def leads(known: Known, host: str) -> Answer:
    """
    Judge if another host leads, for a load balancer that cannot hear that host's own warden.

    By the leader's key, read a moment ago: a verdict against a leader revokes its lease, and with
    it the key. That etcd says nothing is no yes: a leader without one may have been replaced.
    """
    age_s = known.now_s - known.store.seen_s
    if age_s > patience.STORE_FRESH_S:
        return Answer(is_yes=False, why="etcd does not answer")
    leader = known.store.leader
    if leader is None:
        return Answer(is_yes=False, why="nobody holds the leader's key")
    why = f"{leader.host} held the leader's key {age_s:.1f} s ago"
    return Answer(is_yes=leader.host == host, why=why)


def _not_running(known: Known) -> str | None:
    if known.host is not None and known.host.postmaster is None:
        return "PostgreSQL does not run"
    if known.postgres is None or known.now_s - known.postgres.seen_s > patience.POSTGRES_FRESH_S:
        return "PostgreSQL does not answer"
    return None


def _not_leading(known: Known) -> str | None:
    """Return why this host is not the leader, or None if it is."""
    assert known.postgres is not None, "it runs"
    if known.postgres.is_in_recovery:
        return "it is in recovery"
    if known.is_isolated:
        return "it is cut off from everybody"
    leader = known.store.leader
    is_fresh = known.now_s - known.store.seen_s <= patience.STORE_FRESH_S
    if is_fresh and leader is not None and leader.host != known.me:
        return f"{leader.host} holds the leader's key"
    has_key = is_fresh and leader is not None
    return _not_by_patronis_word(known, has_key=has_key)


def _not_by_patronis_word(known: Known, *, has_key: bool) -> str | None:
    """
    Return why Patroni's word is not enough.

    The key in etcd, read a moment ago, outweighs a no: a new leader's Patroni, busy promoting, and
    one that has just been started anew say no for a while. Long silence is another matter: a
    frozen Patroni renews nothing.
    """
    patroni = known.patroni
    if patroni is None:  # it and this warden have just been started anew
        return None if has_key else "nobody says that this host holds the leader's key"
    if known.now_s - patroni.answered_s > patience.PATRONI_WORD_S:
        return "Patroni does not answer"
    if not patroni.has_lock and not has_key:
        return "Patroni does not hold the leader's key"
    return None


def _lag_bytes(known: Known) -> int:
    """Return how far replay is behind what there is to replay."""
    assert known.postgres is not None, "it runs"
    return max(0, _newest_lsn(known.store) - known.postgres.lsn)


def _newest_lsn(store: Store) -> int:
    """
    Return the position that replicas should have: their leader's, by its last sign of life.

    Without one, that of the furthest replica: one of them leads next. What a lost primary said of
    itself stays in etcd, and may name WAL that nobody received; by that, all would be behind.
    """
    leads = store.beats.get(store.leader.host) if store.leader else None
    if leads is not None:
        return leads.lsn
    return max((beat.lsn for beat in store.beats.values() if not beat.is_primary), default=0)
