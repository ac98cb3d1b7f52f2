"""Figures of a drill: what clients felt of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from failover_tests import checkers
from failover_tests.evidence import Evidence
from failover_tests.history import Kind, Request
from failover_tests.summary import Figures


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long a group of requests took, from when each was due, in milliseconds."""

    requests: int
    p50_ms: float
    p99_ms: float
    longest_ms: float


def latencies(requests: Iterable[Request]) -> Latencies | None:
    """Return the latencies of these requests; None if there are none."""
    waited_s = sorted(request.latency_s for request in requests)
    if not waited_s:
        return None

    def at(share: float) -> float:
        """Return the smallest latency that `share` of all do not exceed (nearest rank)."""
        return round(waited_s[math.ceil(share * len(waited_s)) - 1] * 1000, 1)

    return Latencies(len(waited_s), p50_ms=at(0.5), p99_ms=at(0.99), longest_ms=at(1.0))


def of(evidence: Evidence) -> Figures:
    """Return what one drill came to, in the numbers that a summary of many compares."""
    history, felt, recorded = evidence.history, evidence.felt, evidence.books.payments
    return Figures(
        requests=len(history),
        failed=len(checkers.failed(history)),
        lost=len(checkers.lost(history, recorded)),
        doubled=len(checkers.doubled(history, recorded)),
        repeated=len(checkers.repeated(history)),
        write_stall_s=_rounded(checkers.stall_s(felt)),
        read_stall_s=_rounded(checkers.read_stall_s(felt)),
        slowest_s=_rounded(checkers.slowest_s(felt)),
        failovers=evidence.failovers,
        rejoined_s=round(evidence.rejoined_s, 1),
    )


def by_phase(evidence: Evidence) -> dict[str, Latencies | None]:
    """Return the latencies of payments and reads: before the fault, over the whole drill."""
    began_s = evidence.began_s
    phases: dict[str, Callable[[Request], bool]] = {
        "before the fault": lambda request: request.done_s < began_s,
        "whole drill": lambda _: True,
    }
    kinds: tuple[Kind, ...] = ("payment", "read")
    return {
        f"{kind}s, {phase}": latencies(
            request for request in evidence.history if request.kind == kind and is_in(request)
        )
        for kind in kinds
        for phase, is_in in phases.items()
    }


def _rounded(seconds: float) -> float | None:
    """Return what JSON can hold; it knows no endless time."""
    return None if math.isinf(seconds) else round(seconds, 2)
