"""Eagerness: how long the watches look more often while a failover goes on."""

from __future__ import annotations

from collections.abc import Hashable

from ha.warden import patience


class Eagerness:
    """
    Lasts from each step of a failover for as long as the next one may take.

    A step that does not come is waited for at leisure: while a primary holds on without etcd there
    is no leader's key, for as long as that lasts, and two wardens that look thirty times a second
    take a quarter of a small machine from those whom the primary serves.
    """

    def __init__(self) -> None:
        self._missing: Hashable = None
        self._since_s = float("-inf")

    def lasts(self, missing: Hashable, *, now_s: float) -> bool:
        """
        Tell if to look more often.

        :param missing: what is known of a failover under way, anything that changes with each of
            its steps; None if there is none
        """
        if missing != self._missing:
            self._missing, self._since_s = missing, now_s
        return missing is not None and now_s - self._since_s < patience.EAGER_MAX_S
