"""The warden's clock: seconds that go on while the machine is suspended."""

from __future__ import annotations

import time


def now_s() -> float:
    """
    Return the seconds since the machine booted, suspension included.

    What a paused machine knew before its pause must look old when it wakes up: CLOCK_MONOTONIC
    stands still meanwhile, CLOCK_BOOTTIME does not (clock_gettime(2)).
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)
