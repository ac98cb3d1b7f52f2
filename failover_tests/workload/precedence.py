"""Precedence of load clients over the data centre they share a machine with."""

from __future__ import annotations

import gc
import os
from pathlib import Path

# Clients are other machines: they do not wait for a CPU because the data centre needs it.
_NICENESS = -10
_AUTOGROUP = Path("/proc/self/autogroup")


def take_precedence() -> None:
    """Take precedence over the data centre; do not pause to collect garbage."""
    os.nice(_NICENESS)
    # Where the kernel groups processes by session, niceness counts inside the group only; this is
    # the group's own (sched(7), "The autogroup feature").
    if _AUTOGROUP.exists():
        _AUTOGROUP.write_text(str(_NICENESS), encoding="ascii")
    # Walking through thousands of waiting requests takes 0.4 s, in which none is sent; requests
    # leave no cycles behind (measured: memory stays the same).
    gc.disable()
