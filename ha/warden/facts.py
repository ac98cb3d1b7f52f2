"""Facts: what the warden knows, each with when it learned it; times are those of `clock`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """
    What PostgreSQL said of itself on the standing connection.

    `lsn` is the position written (primary) or replayed (replica), in bytes; `streams_from` the
    host whose WAL it receives, `has_received` whether any came in this stream yet; `heard_s` when
    any WAL or sign of life came that way last; `behind_s` how old the newest commit is that it has
    replayed, 0 if nothing waits to be.
    """

    seen_s: float
    is_in_recovery: bool
    timeline: int
    lsn: int
    streams_from: str | None = None
    has_received: bool = False
    heard_s: float = float("-inf")
    behind_s: float = 0.0


# What a write is answered by a server that ends.
GOING_DOWN = "going down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """The last write on a new connection; `error` is the SQLSTATE or a word, empty if it worked."""

    tried_s: float
    worked_s: float
    error: str = ""

    @property
    def is_going_down(self) -> bool:
        """Tell if the server itself said that it ends: what worked a moment ago says nothing."""
        return self.error == GOING_DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Patroni:
    """
    What Patroni's REST API said last.

    `answered_s` is when it answered at all, `has_lock` what it said then.
    """

    answered_s: float
    has_lock: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of this host by the kernel's word; `since_s` is when this state was first seen."""

    pid: int
    is_stopped: bool
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the kernel says: the two processes that matter, None if they do not run; the disk."""

    seen_s: float
    postmaster: Process | None
    patroni: Process | None
    disk_free_bytes: int
    has_ballast: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """
    How one party on another host answers.

    `silent_since_s` is when the first of the unanswered attempts began; None if the last one was
    answered.
    """

    silent_since_s: float | None = None
    unanswered: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """How another database host answers: its kernel, its warden."""

    kernel: Probe
    warden: Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The leader's key in etcd: who, written when (its revision), on which lease."""

    host: str
    revision: int
    lease: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """
    Patroni's record of the quorum: a commit is on the primary and on `len(voters) - quorum` of
    `voters`; whoever may be promoted has asked `quorum` others of them.
    """

    voters: frozenset[str]
    quorum: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """
    The promise of `host` to take no more WAL of the leadership that began at revision `about`,
    that of `against`; `revision` is the promise's own.
    """

    host: str
    about: int
    against: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision that a leadership is over: its lease may be revoked."""

    about: int
    against: str
    lease: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """
    A sign of life a host left in etcd; `revision` grows with each.

    `verdict` is the revision of the last one that its host knew when it looked at its PostgreSQL,
    0 for none.
    """

    is_primary: bool
    lsn: int
    revision: int
    verdict: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """
    What etcd held at one moment.

    `beats` has a sign of life per host; `beat_seen_s` when its revision was first seen; `epoch` is
    the revision of this host's last release, on which its promises are conditioned; `config`,
    `failover` are the revisions of Patroni's settings, which may say `is_paused`, and of its order.
    """

    seen_s: float
    epoch: int = 0
    config: int = 0
    failover: int = 0
    leader: Leader | None = None
    sync: Sync | None = None
    is_paused: bool = False
    has_failover_key: bool = False
    is_cooling: bool = False
    promises: Mapping[str, Promise] = field(default_factory=dict)
    verdict: Verdict | None = None
    beats: Mapping[str, Beat] = field(default_factory=dict)
    beat_seen_s: Mapping[str, float] = field(default_factory=dict)
