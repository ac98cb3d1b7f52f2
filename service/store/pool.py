"""A bounded pool of connections that waits where others raise."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable

import psycopg2

from service.domain.errors import Busy
from service.store.connection import Connection
from service.store.metrics import CONNECTIONS
from service.store.prober import Prober
from service.store.turnstile import Turnstile, latest

_log = logging.getLogger(__name__)
# A fresh connection has this long for its first work before another one is opened.
_WARM_UP_S = 0.1
# More connections than this only take turns, unless the network is slow: each exchange with the
# server takes so long at least, not longer than with fewer, and so do packets (`round_trips`): on
# a busy machine exchanges do as well. (There a host opened 100, each worth fifty transactions, and
# answered half of what it did with four, for ever.) Each refusal makes the next one less likely.
_ENOUGH = 4
_SLOW_S = 0.15
_LONGER = 1.3
_PATIENCE = 1.1
# So long may pass until the first of them comes free, over a slow network.
_STUCK_S = 1.0
# Behind a new primary they begin with so few (over a slow network with enough); one more is opened
# when as much work was done as a fresh backend costs.
_AT_FIRST = 2
_WORK_A_BACKEND = 50
# What nobody has used for this long is closed, one whenever another is given back; what is more
# than enough sooner. (After 5 s all were gone: a busy machine opened two to six a second for ever.)
_IDLE_MAX_S = 60.0
_IDLE_MAX_OF_MORE_S = 5.0


class DatabaseAway(Busy):
    """No primary accepted the work before the request's deadline."""

    code = "DATABASE_AWAY"
    hint = "Send the same request with the same Idempotency-Key again; it will act once."


class _SlotGivenUp(Exception):
    """Somebody gave a slot up, and waited for another one in vain."""


class Pool:
    """
    Lends up to `connections_max` connections, a few as a rule; who comes later waits in turn.

    While the database is away a gate is shut: one prober knocks, everybody else waits for it. A
    connection is opened when the one before it has done its first work, or had its time for it.
    Uses only `threading`'s primitives, which gevent replaces: greenlets wait as cheaply as threads.
    """

    def __init__(
        self,
        *,
        connect: Callable[[float], Connection],
        connections_max: int,
        is_network_slow: Callable[[], bool],
    ) -> None:
        self._connect, self._is_network_slow = connect, is_network_slow
        self._connections_max = connections_max
        self._enough = min(connections_max, _ENOUGH)
        self._slots = Turnstile(self._enough)
        self._worked_s = self._failed_s = float("-inf")
        self._flowed_s = time.monotonic()
        self._worked = self._slots_before = 0
        self._lent: set[Connection] = set()
        self._quickest_s: list[float] = []
        self._quickest_before_s = float("inf")
        self._is_far = False
        self._idle: list[Connection] = []
        self._gate = threading.Event()
        self._gate.set()
        self._prober = Prober(self._opened, found=self._is_found, gave_up=self._gate.set)
        self._guard = threading.Lock()
        self._cold: Connection | None = None
        self._cold_until = 0.0
        self._came_free = threading.Event()

    @property
    def is_shut(self) -> bool:
        """Tell if the database was away a moment ago, so that everybody waits for the prober."""
        return not self._gate.is_set()

    def acquire(self, *, deadline: float, is_again: bool = False) -> Connection:
        """
        Return a connection to the primary, the most recently used first.

        :param is_again: whether the caller had one that broke: it does not queue a second time
        :raises DatabaseAway: if none came free, or none could be opened, in time for `deadline`
        """
        if self._slots.is_full:
            self._widen_if_stuck()
        else:
            self._flowed_s = time.monotonic()
        if not self._slots.enter(deadline=latest(deadline), is_ahead=is_again):
            raise DatabaseAway("every connection is in use")
        try:
            connection = self._take_idle() or self._open(deadline)
        except _SlotGivenUp:
            raise DatabaseAway("every connection is in use") from None
        except BaseException:
            self._slots.leave()
            raise
        connection.lent_s, connection.quickest_s = time.monotonic(), float("inf")
        self._lent.add(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """Take back a sound connection."""
        connection.idle_since = self._worked_s = self._flowed_s = time.monotonic()
        was_fresh, connection.is_fresh = connection.is_fresh, False
        self._lent.discard(connection)
        self._idle.append(connection)
        if connection is self._cold:
            self._cold_until = 0.0
        self._came_free.set()
        self._trim()
        self._slots.leave()
        if self.is_shut:
            self._reopen()
        self._widen_by_work()
        if not was_fresh:
            self._widen_if_far(connection.quickest_s)

    def discard(self, connection: Connection) -> None:
        """Close a connection that broke, with every idle one: their primary is the same."""
        self._lent.discard(connection)
        _close(connection)
        self.close_idle()
        if self._slots.slots > _ENOUGH:
            self._slots.retire()  # what the lost primary was too slow for, the next need not be
        else:
            self._slots.leave()

    def drop(self, connection: Connection) -> None:
        """Close one connection, and no other."""
        self._lent.discard(connection)
        _close(connection)
        self._slots.leave()

    def end(self) -> None:
        """Close what nobody uses, look for no primary any more."""
        self._prober.end()
        self.close_idle()

    def close_idle(self) -> None:
        """Close what nobody uses."""
        idle, self._idle = self._idle, []
        for connection in idle:
            _close(connection)

    def _trim(self) -> None:
        """Close the connection that nobody needed for longest: each one delays a switchover."""
        is_more = len(self._idle) + len(self._lent) > _ENOUGH
        for oldest in self._idle[:1]:
            idle_s = time.monotonic() - oldest.idle_since
            if idle_s > (_IDLE_MAX_OF_MORE_S if is_more else _IDLE_MAX_S):
                with contextlib.suppress(ValueError):  # somebody took it meanwhile
                    self._idle.remove(oldest)
                    _close(oldest)
                    if self._slots.slots > _ENOUGH:
                        self._slots.narrow()

    def _widen_by_work(self) -> None:
        """Allow one more, up to what is enough, when as much was done as a new one costs."""
        self._worked += 1
        if self._worked >= _WORK_A_BACKEND and self._slots.slots < self._enough:
            self._worked = 0
            self._slots.widen()

    def _widen_if_far(self, quickest_s: float) -> None:
        """Allow twice as many over a slow network; no more than enough once it is quick again."""
        self._quickest_s.append(quickest_s)
        if len(self._quickest_s) < self._slots.slots or self._connections_max <= self._enough:
            return
        shortest_s, self._quickest_s = min(self._quickest_s), []
        self._is_far = _SLOW_S <= shortest_s < math.inf and self._is_network_slow()
        if self._slots.slots > self._enough and not self._is_network_slow():
            self._slots.shrink(self._enough)  # or a queue kept what was added busy
        if not (self._is_far and self._slots.has_queue):
            self._quickest_before_s = math.inf
        elif shortest_s > _LONGER * self._quickest_before_s:
            self._quickest_before_s *= _PATIENCE
        else:
            self._quickest_before_s = shortest_s
            self._double()

    def _widen_if_stuck(self) -> None:
        """Allow twice as many, once, if none came free for a while, and all are far."""
        now = time.monotonic()
        is_stuck = self._gate.is_set() and now - self._flowed_s > _STUCK_S
        if is_stuck and self._slots.slots >= self._enough and self._are_far():
            self._flowed_s = now
            self._double()

    def _are_far(self) -> bool:
        """Test if the network is slow, by what those have seen that are lent just now."""
        seen_s = [0.0 if it.is_fresh else it.quickest_s for it in list(self._lent)] or [0.0]
        is_first = self._slots.slots == self._enough
        is_slow = is_first and _SLOW_S <= min(seen_s) <= max(seen_s) < math.inf
        return (self._is_far or is_slow) and self._is_network_slow()

    def _double(self) -> None:
        for _ in range(min(slots := self._slots.slots, self._connections_max - slots)):
            self._slots.widen()

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_stale():
                return connection
            _close(connection)
        return None

    def _open(self, deadline: float) -> Connection:
        while (left_s := deadline - time.monotonic()) > 0 and self._gate.wait(timeout=left_s):
            again = latest(deadline)
            if self._slots.gives_up() and not self._slots.enter(deadline=again, is_ahead=True):
                raise _SlotGivenUp
            self._came_free.clear()
            found = self._take_idle()  # the prober leaves what it opened
            if found is not None:
                return found
            pause_s = self._turn_to_open()
            if pause_s > 0:
                self._came_free.wait(timeout=min(pause_s, left_s))
                continue
            began_s = time.monotonic()
            try:
                return self._opened(deadline)
            except psycopg2.Error as error:
                if not self._is_there(began_s):
                    self._shut(error)
        raise DatabaseAway("no primary was found until the deadline")

    def _is_there(self, began_s: float) -> bool:
        """
        Test if work went on while an attempt to connect failed, or since the last one that did.

        Then the primary has too much to do: to close what works, and open it anew, would give it
        more. If it has just died, the next attempt tells.
        """
        is_first, self._failed_s = self._failed_s < self._worked_s, time.monotonic()
        return is_first or self._worked_s > began_s

    def _turn_to_open(self) -> float:
        """Return 0 if the caller shall open a connection now, or how long to wait at most."""
        with self._guard:
            now = time.monotonic()
            pause_s = max(0.0, self._cold_until - now)
            if pause_s == 0:
                self._cold_until = now + _WARM_UP_S
            return pause_s

    def _opened(self, deadline: float = float("inf")) -> Connection:
        connection = self._connect(deadline)
        CONNECTIONS.inc()  # here, not when it is lent: that would cost every request
        self._cold, self._cold_until = connection, time.monotonic() + _WARM_UP_S
        return connection

    def _shut(self, error: psycopg2.Error) -> None:
        why = str(error).strip().partition("\n")[0] or type(error).__name__

        def shut() -> None:
            _log.warning("The database is away (%s); looking for the new primary.", why)
            self._gate.clear()
            self._slots_before = self._slots.slots
            self._slots.shrink(self._enough if self._is_far else _AT_FIRST)
            self._worked = 0
            self._quickest_s, self._quickest_before_s = [], float("inf")
            self.close_idle()

        self._prober.knock(first=shut)

    def _reopen(self) -> None:
        """Take back what was done for a lost primary: over a connection of before it answered."""
        for _ in range(self._slots_before - self._slots.slots):
            self._slots.widen()
        self._gate.set()

    def _is_found(self, connection: Connection) -> None:
        connection.idle_since = self._flowed_s = time.monotonic()
        self._idle.append(connection)
        self._gate.set()


def _close(connection: Connection) -> None:
    connection.close()
    CONNECTIONS.dec()
