"""A turnstile: as many inside as there are slots, everybody else in order of arrival."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

# A turn that comes later is of no use: the work would be given up half done, and its connection
# with it, which costs the server more than the work. Under more load than a database can bear that
# was all it still did. Of who is in a hurry, a tenth of the time.
_LEFT_S = 1.0
_LEFT_SHARE = 0.1


def latest(deadline: float) -> float:
    """Return until when it is of use to wait for a turn, if all is to be done by `deadline`."""
    left_s = max(0.0, deadline - time.monotonic())
    return deadline - min(_LEFT_S, _LEFT_SHARE * left_s)


class Turnstile:
    """
    A semaphore that is fair.

    `threading.Semaphore` lets a newcomer overtake: a waiter that is woken may find the slot taken,
    then queues behind everybody. After a failover, with thousands waiting, those who came first
    would wait past their deadline. Here a slot is handed to the first in the queue, never dropped.
    `slots` may change: `widen`, `narrow`, `shrink`.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._free = slots
        self._surplus = 0  # how many of those inside have no slot any more
        self._queue: OrderedDict[int, threading.Lock] = OrderedDict()
        self._tickets = 0
        self._guard = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Tell if a newcomer would wait."""
        return self._free == 0

    @property
    def has_queue(self) -> bool:
        """Tell if somebody waits."""
        return bool(self._queue)

    def widen(self) -> None:
        """Add a slot; whoever waits longest has it."""
        with self._guard:
            self.slots += 1
            if self._surplus:
                self._surplus -= 1
            else:
                self._hand_on()

    def narrow(self) -> None:
        """Take a slot away, if one is free."""
        with self._guard:
            if self._free:
                self._free -= 1
                self.slots -= 1

    def shrink(self, slots: int) -> None:
        """Take away all slots but so many; of those inside, too many `gives_up` or `leave`."""
        with self._guard:
            taken = min(self._free, max(0, self.slots - slots))
            self._free -= taken
            self._surplus += max(0, self.slots - slots - taken)
            self.slots = min(self.slots, slots)

    def gives_up(self) -> bool:
        """Take the caller's slot, if there are too many inside; tell if it has to `enter` anew."""
        with self._guard:
            is_too_many = self._surplus > 0
            self._surplus -= is_too_many
            return is_too_many

    def retire(self) -> None:
        """Leave, and take the slot away."""
        with self._guard:
            if self._surplus:
                self._surplus -= 1
            else:
                self.slots -= 1

    def enter(self, *, deadline: float, is_ahead: bool = False) -> bool:
        """
        Wait for a slot until `deadline`, a `time.monotonic` value; return whether it came.

        :param is_ahead: whether the caller waited its turn before, and goes ahead of all now
        """
        with self._guard:
            if self._free:
                self._free -= 1
                return True
            self._tickets += 1
            ticket, turn = self._tickets, threading.Lock()
            turn.acquire()  # taken: `leave` opens it
            self._queue[ticket] = turn
            if is_ahead:
                self._queue.move_to_end(ticket, last=False)
        if turn.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return True
        with self._guard:
            # The slot may have been handed over between the end of the wait and this line.
            return self._queue.pop(ticket, None) is None

    def leave(self) -> None:
        """Hand the slot to the first in the queue."""
        with self._guard:
            if self._surplus:
                self._surplus -= 1
            else:
                self._hand_on()

    def _hand_on(self) -> None:
        if self._queue:
            _, turn = self._queue.popitem(last=False)
            turn.release()
        else:
            self._free += 1
