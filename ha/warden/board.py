"""The board: what the watches have found out last, for whoever decides or answers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ha.warden.facts import Canary, Host, Patroni, Peer, Postgres, Store

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Board:
    """
    The newest facts. Each is immutable and replaced as a whole, by one watch alone; but
    `postgres` is forgotten by the warden itself, when the process is seen to be gone, `canary`
    belied by the watch of PostgreSQL, when that says that it is going down. `peers` alone changes
    in place, for each has a watch of its own: walk a copy (`dict(peers)` is one step), never it.

    `is_eager` is set while somebody waits for the next step of a failover: watches look more often.
    `stop_planned_s` is when somebody announced that PostgreSQL will be stopped. `is_true_to_word`
    once what this host promised, before it started perhaps, is what its kernel keeps. `outvoted` is
    the host whose leadership a verdict has ended, as long as this one's promise stands.
    `certificate_ends` is when the one that it presents runs out, in seconds since 1970, once it was
    seen.
    """

    postgres: Postgres | None = None
    canary: Canary | None = None
    patroni: Patroni | None = None
    host: Host | None = None
    store: Store = field(default_factory=lambda: Store(seen_s=float("-inf")))
    peers: dict[str, Peer] = field(default_factory=dict)
    isolated_s: float = 0.0
    stop_planned_s: float = float("-inf")
    is_eager: bool = False
    is_true_to_word: bool = False
    outvoted: str | None = None
    has_failed: bool = False
    certificate_ends: float = float("nan")
    stopped: threading.Event = field(default_factory=threading.Event)
    hurry_postgres: threading.Event = field(default_factory=threading.Event)
    hurry_store: threading.Event = field(default_factory=threading.Event)
    hurry_canary: threading.Event = field(default_factory=threading.Event)
    hurry_patroni: threading.Event = field(default_factory=threading.Event)
    news: threading.Condition = field(default_factory=threading.Condition)

    def be_eager(self, *, is_eager: bool) -> None:
        """Have the watches look more often, from now on, or let them rest."""
        has_begun = is_eager and not self.is_eager
        self.is_eager = is_eager
        if has_begun:
            self.hurry_postgres.set()
            self.hurry_store.set()

    def tell(self) -> None:
        """Wake whoever waits for news: a judgement may have changed."""
        with self.news:
            self.news.notify_all()

    def watched(self, work: Callable[[], object]) -> Callable[[], None]:
        """
        Return `work` for a thread; should it fail, the warden ends.

        Its supervisor starts one that sees again, where this one would go on believing what was
        seen last.
        """

        def run() -> None:
            try:
                work()
            except Exception:  # noqa: BLE001  whatever it is, this warden is blind now
                _log.exception("A thread of this warden has failed.")
                self.has_failed = True
                self.stopped.set()

        return run
