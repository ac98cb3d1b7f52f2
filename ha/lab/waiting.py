"""Waiting: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ha.lab.errors import LabFailed

Seen = TypeVar("Seen")

# Often enough that no wait adds more than this; seldom enough to leave two cores to the cluster.
STEP_S = 0.1


class NotInTime(LabFailed):
    """What was waited for did not come."""


def until(
    look: Callable[[], Seen],
    *,
    is_enough: Callable[[Seen], bool] = bool,
    what: str,
    within_s: float,
    step_s: float = STEP_S,
) -> Seen:
    """
    Return what `look` sees as soon as it `is_enough`.

    :raises NotInTime: if that takes longer than `within_s`; the message says what was seen last
    """
    deadline = time.monotonic() + within_s
    while True:
        seen = look()
        if is_enough(seen):
            return seen
        if time.monotonic() >= deadline:
            raise NotInTime(f"{what}: not within {within_s:g} s; last seen: {seen!r}")
        time.sleep(step_s)
