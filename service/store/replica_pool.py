"""Connections to replicas, lent only if one is to be had at once."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Collection

import psycopg2

from service.store import positions, reading
from service.store.connection import Connection, connect
from service.store.metrics import REPLICA_CONNECTIONS
from service.store.positions import Told
from service.store.turnstile import Turnstile

_log = logging.getLogger(__name__)
# A replica that came back is given connections by the load balancer only as new ones are opened:
# within a minute it has its share again.
_AGE_MAX_S = 60.0
# So few do all that a process can read, as with the primary's (`pool.py`): each fresh one costs a
# busy machine what its reads would. A turn is waited for; to ask the primary instead, which is no
# less busy then, costs the turns of those who write. (With 16, and a quarter of a second, 55 reads
# a second of 100 went there after a switchover, 30 payments a second were left of 100.)
_ENOUGH = 4
_TURN_S = 1.0
# Whoever waits longer for a connection to be opened is faster on the primary.
_OPENED_S = 0.25
# No replica answered: the next connection is tried after this.
_AWAY_S = 0.2
# A server that fell silent is left alone this long, one that lagged is passed over.
_SILENT_S = 1.0
_LAGGING_S = 0.25
# While every idle connection leads to such a server, a fresh one may lead elsewhere.
_SPREAD_EVERY_S = 1.0
# Servers come and go; each takes some hundred bytes.
_SERVERS_KEPT = 100


class Server:
    """
    One run of one replica, with what it has shown of itself to this process.

    While it runs, what it replayed only grows, the timeline it follows only changes to one that
    descends from it: what was seen once holds for good.
    """

    def __init__(self, *, timeline: int) -> None:
        self.timeline = timeline
        self.replayed_lsn = 0
        self.heard_s = 0.0
        self.silent_until = 0.0
        self.lagging_until = 0.0

    def learn(self, told: Told) -> None:
        """Remember what a connection to it was told."""
        self.heard_s = time.monotonic()
        self.replayed_lsn = max(self.replayed_lsn, told.replayed_lsn)
        if told.receiving is not None:
            self.timeline = max(self.timeline, told.receiving)

    def is_fit(self, now: float, *, lagging: bool) -> bool:
        """Tell if it may be asked at `now`, even if it was `lagging` a moment before."""
        return now >= self.silent_until and (lagging or now >= self.lagging_until)

    def lags(self) -> None:
        """Pass it over for a moment."""
        self.lagging_until = time.monotonic() + _LAGGING_S

    def is_followed(self, told: Told) -> bool:
        """
        Test if `timeline` is surely the one it follows.

        A replica that lost its primary does not say. It still follows what it did before, unless it
        has heard of a newer timeline since.
        """
        return told.receiving is not None or told.newest <= self.timeline


class ReplicaConnection:
    """A connection to a replica, with the server at its other end."""

    def __init__(self, connection: Connection, server: Server) -> None:
        self.connection = connection
        self.server = server
        self.retires_s = connection.opened_s + _AGE_MAX_S * random.uniform(0.8, 1.2)  # noqa: S311

    def is_usable(self, now: float) -> bool:
        """Tell if it is open at `now`, not too old."""
        return now < self.retires_s and not self.connection.is_stale()


class ReplicaPool:
    """
    Lends up to `connections_max` connections, a few, those that rested longest first: all serve.

    Unlike the pool of the primary it never makes anybody wait for a server: the primary is there.
    Connections are opened in the background, so that a dead replica costs no reader its time.
    """

    def __init__(self, *, dsn: str, connections_max: int) -> None:
        self._dsn = dsn
        self._connections_max = min(connections_max, _ENOUGH)
        self._slots = Turnstile(self._connections_max)
        self._idle: deque[ReplicaConnection] = deque()
        self._servers: dict[str, Server] = {}
        self._opened = 0
        self._opening = threading.Lock()
        self._came_free = threading.Event()
        self._is_away = False
        self._away_until = 0.0
        self._spread_from = 0.0

    def lend(
        self, *, deadline: float, avoiding: Collection[Server] = ()
    ) -> ReplicaConnection | None:
        """Return a connection to a server not in `avoiding`; None if the primary is faster."""
        if not self._slots.enter(deadline=min(deadline, time.monotonic() + _TURN_S)):
            return None
        lent = self._found(min(deadline, time.monotonic() + _OPENED_S), avoiding)
        if lent is None:
            self._slots.leave()
        return lent

    def give_back(self, lent: ReplicaConnection) -> None:
        """Take back a sound connection."""
        lent.connection.idle_since = time.monotonic()
        self._idle.append(lent)
        self._came_free.set()
        self._slots.leave()

    def discard(self, lent: ReplicaConnection) -> None:
        """Close a connection that broke, or found a primary, with the idle ones to its server."""
        self._close(lent)
        kept, self._idle = self._idle, deque()
        for idle in kept:
            if idle.server is lent.server:
                self._close(idle)
            else:
                self._idle.append(idle)
        self._slots.leave()

    def give_up(self, lent: ReplicaConnection, *, asked_s: float) -> None:
        """Close a connection that was not answered in time; leave a silent server alone a while."""
        if lent.server.heard_s < asked_s:
            lent.server.silent_until = time.monotonic() + _SILENT_S
        self._close(lent)
        self._slots.leave()

    def close_idle(self) -> None:
        """Close what nobody uses."""
        while self._idle:
            self._close(self._idle.popleft())

    def _found(
        self, patient_until: float, avoiding: Collection[Server]
    ) -> ReplicaConnection | None:
        while True:
            self._came_free.clear()
            lent = self._take(avoiding)
            if lent is not None:
                return lent
            if self._idle:  # they lead where it should not: a fresh one may lead elsewhere
                if self._may_spread():
                    self._open_soon()
                return self._take(avoiding, lagging=True)
            left_s = patient_until - time.monotonic()
            if left_s <= 0 or not self._open_soon() or not self._came_free.wait(left_s):
                return None

    def _take(
        self, avoiding: Collection[Server], *, lagging: bool = False
    ) -> ReplicaConnection | None:
        """Return the idle connection that rested longest, of those to servers that may be asked."""
        now = time.monotonic()
        for _ in range(len(self._idle)):
            if not self._idle:
                break  # others took them meanwhile
            idle = self._idle.popleft()
            if not idle.is_usable(now):
                self._close(idle)
            elif idle.server in avoiding or not idle.server.is_fit(now, lagging=lagging):
                self._idle.append(idle)
            else:
                return idle
        return None

    def _may_spread(self) -> bool:
        """Tell, once in a while, to open a connection because no idle one leads where it should."""
        now = time.monotonic()
        is_due = now >= self._spread_from
        if is_due:
            self._spread_from = now + _SPREAD_EVERY_S
        return is_due

    def _open_soon(self) -> bool:
        """Let a connection be opened in the background; tell if there is hope for one."""
        if time.monotonic() < self._away_until:
            return False
        if self._opening.acquire(blocking=False):
            threading.Thread(target=self._open, name="replica-opener", daemon=True).start()
        return True

    def _open(self) -> None:
        """Open a connection, in place of an idle one if need be."""
        try:
            opened = self._connected()
            if opened is None:
                self._away("only the primary answers")
            else:
                self._add(opened)
        except psycopg2.Error as error:
            self._away(str(error))
        finally:
            self._opening.release()
            self._came_free.set()

    def _add(self, opened: ReplicaConnection) -> None:
        if self._is_away:
            self._is_away = False
            _log.warning("A replica answers again.")
        if self._opened >= self._connections_max and self._idle:
            self._close(self._idle.popleft())
        self._opened += 1
        REPLICA_CONNECTIONS.inc()
        self._idle.append(opened)

    def _connected(self) -> ReplicaConnection | None:
        """Return a fresh connection, None if it leads to a primary."""
        connection = connect(self._dsn)
        server = None
        try:
            server = self._server_of(connection)
        finally:
            if server is None:
                connection.close()
        return ReplicaConnection(connection, server) if server is not None else None

    def _server_of(self, connection: Connection) -> Server | None:
        """Return the server a fresh connection leads to, None if it is a primary."""
        timeline, _, run = str(reading.answer_to(connection, positions.SERVER)).partition(" ")
        if timeline == positions.NOTHING:
            return None
        if run not in self._servers and len(self._servers) >= _SERVERS_KEPT:
            del self._servers[next(iter(self._servers))]
        server = self._servers.setdefault(run, Server(timeline=int(timeline)))
        server.timeline = max(server.timeline, int(timeline))
        return server

    def _away(self, why: str) -> None:
        self._away_until = time.monotonic() + _AWAY_S
        if not self._is_away:
            self._is_away = True
            first_line = why.strip().partition("\n")[0]
            _log.warning("No replica answers (%s); the primary answers reads.", first_line)

    def _close(self, lent: ReplicaConnection) -> None:
        lent.connection.close()
        self._opened -= 1
        REPLICA_CONNECTIONS.dec()
