"""Processors with no time left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from failover_tests import budgets
from failover_tests.faults.fault import Fault
from ha.lab.waiting import until

# Of all processors together; below it they are saturated.
_IDLE_SHARE = 0.03
_LOOK_S = 1.0

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@contextmanager
def saturated(hosts: tuple[str, ...], *, at_most_s: float) -> Iterator[Fault]:
    """
    Keep every processor of the machine busy, until leaving, or for `at_most_s`.

    :raises NotInTime: if a processor still has time left
    """
    count = os.cpu_count() or 1
    burn = ["timeout", "--signal=KILL", str(at_most_s), sys.executable, "-c", "while True: pass"]
    began_s = time.monotonic()
    with ExitStack() as cures:
        for _ in range(count):
            burner = subprocess.Popen(burn, start_new_session=True)
            cures.callback(_end, burner)
        idle = until(
            _idle_share,
            is_enough=lambda share: share <= _IDLE_SHARE,
            what=f"{count} processors without time left (idle share)",
            within_s=budgets.FAULT_PROVEN_S,
        )
        proof = f"the processors were idle {idle:.1%} of the time"
        what = f"{count} processors saturated"
        yield Fault(what=what, hosts=hosts, began_s=began_s, proof=proof)


def _end(burner: subprocess.Popen[bytes]) -> None:
    os.killpg(burner.pid, 9)
    burner.wait()


def _idle_share() -> float:
    """Return the share of all processors that nobody used within a second from now."""
    began_s, idle_s = time.monotonic(), _idle_s()
    time.sleep(_LOOK_S)  # a measurement, not a wait
    return (_idle_s() - idle_s) / (time.monotonic() - began_s) / (os.cpu_count() or 1)


def _idle_s() -> float:
    first = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()
    return (int(first[4]) + int(first[5])) / _TICKS_PER_S
