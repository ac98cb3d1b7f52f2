"""The prober: one thread a pool knocks at the database while it is away; all others wait for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import psycopg2

from service.store.connection import Connection

_log = logging.getLogger(__name__)
# The longer the primary has been away, the longer the pause: this part of that time, within these
# bounds.
_PART = 0.05
_MIN_S = 0.02
_MAX_S = 0.1
# A server that is going down leads nobody on before another one does, and each knock costs it a
# process and a handshake: fifty of them in half a second doubled the time that it took.
_GOING_DOWN_S = 0.2
_GOING_DOWN = "the database system is shutting down"  # `lc_messages` is C


class Prober:
    """
    Knocks until a connection is open, and hands it to whoever waits.

    One attempt at a time, so that a thousand waiting requests cost one, not a thousand.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        *,
        found: Callable[[Connection], None],
        gave_up: Callable[[], None],
    ) -> None:
        self._connect = connect
        self._found = found
        self._gave_up = gave_up
        self._knocking = threading.Lock()
        self._ended = threading.Event()

    def knock(self, *, first: Callable[[], None]) -> None:
        """Do `first`, then begin to knock; nothing of it if it does already."""
        if not self._knocking.acquire(blocking=False):
            return
        try:
            first()
            threading.Thread(target=self._knock, name="database-prober", daemon=True).start()
        except BaseException:
            self._gave_up()
            self._knocking.release()  # or nobody would ever knock again
            raise

    def end(self) -> None:
        """Knock no more: nobody waits."""
        self._ended.set()

    def _knock(self) -> None:
        try:
            connection = self._opened()
            if connection is not None:
                self._found(connection)
        except BaseException:
            self._gave_up()  # whoever waits tries by itself, and wakes the next prober
            raise
        finally:
            self._knocking.release()

    def _opened(self) -> Connection | None:
        """Return a connection as soon as one can be opened; None if nobody waits any more."""
        began_s = time.monotonic()
        while not self._ended.is_set():
            try:
                connection = self._connect()
            except psycopg2.Error as error:
                self._ended.wait(pause_s(str(error), away_s=time.monotonic() - began_s))
                continue
            _log.warning("The database is back after %.2f s.", time.monotonic() - began_s)
            return connection
        return None


def pause_s(refusal: str, *, away_s: float) -> float:
    """Return how long to wait after a knock that was answered by `refusal`, or by nothing."""
    if _GOING_DOWN in refusal:
        return _GOING_DOWN_S
    return min(_MAX_S, max(_MIN_S, _PART * away_s))
