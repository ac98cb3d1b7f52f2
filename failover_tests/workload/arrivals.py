"""When the next request is due: an open loop, planned before the first answer."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from failover_tests.history import Kind

Arrival = tuple[float, int, Kind]


def planned(*, payments_per_s: float, reads_per_s: float, seconds: float) -> Iterator[Arrival]:
    """
    Yield (seconds since the start, number, kind) of every request, sorted by time.

    Reads fall half a step after payments, so that equal rates do not send in pairs.
    """
    payments = _at_rate("payment", payments_per_s, 0.0, seconds)
    reads = _at_rate("read", reads_per_s, 0.5, seconds)
    return heapq.merge(payments, reads)


def _at_rate(kind: Kind, per_s: float, phase: float, seconds: float) -> Iterator[Arrival]:
    for number in range(int(per_s * seconds)):
        yield (number + phase) / per_s, number, kind
