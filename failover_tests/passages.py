"""Passages: what clients felt of each fault of a run that broke many, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from failover_tests import checkers
from failover_tests.history import History
from failover_tests.markdown import table
from failover_tests.promises import Promises
from failover_tests.samples import Leadership, Samples, leaderships

# Enough of what was before a mishap to see a stall begin.
_BEFORE_S = 1.0

_HEAD = (
    "#",
    "what",
    "where",
    "after, s",
    "write stall, s",
    "promised",
    "read stall, s",
    "slowest, s",
    "repeated",
    "failovers",
    "whole again, s",
    "problem",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """
    One thing that was broken, then cured; times are monotonic.

    `promises` are those of its own drill. `problem` says why it could not be broken, or not be
    cured; empty if all went well.
    """

    name: str
    where: str
    began_s: float
    cured_s: float
    whole_s: float
    promises: Promises
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One mishap with what clients felt until the next; a stall that never ended is endless."""

    mishap: Mishap
    write_stall_s: float
    read_stall_s: float
    slowest_s: float
    repeated: int
    led: tuple[Leadership, ...]

    @property
    def slowest_max_s(self) -> float:
        """How long any answer may take, as its own drill promises; inf: nothing is promised."""
        return self.mishap.promises.slowest_max_s(stall_s=self.write_stall_s)

    @property
    def failovers(self) -> int:
        """How often a replica was promoted: each promotion opens a timeline."""
        return self.led[-1].timeline - self.led[0].timeline if self.led else 0


def passages(history: History, samples: Samples, mishaps: Sequence[Mishap]) -> tuple[Passage, ...]:
    """
    Return the passage of each mishap, in their order.

    A request belongs to the mishap after whose beginning it was finished, the last before it to
    the next one too: a stall begins with it. Who led when it began, and until the next, likewise.
    """
    by_done = sorted(history, key=lambda request: request.done_s)
    begins = [mishap.began_s for mishap in mishaps] + [float("inf")]
    found, position = [], 0
    for mishap, (since_s, until_s) in zip(mishaps, pairwise(begins), strict=True):
        while position < len(by_done) and by_done[position].done_s < since_s - _BEFORE_S:
            position += 1
        end = position
        while end < len(by_done) and by_done[end].done_s < until_s:
            end += 1
        felt = tuple(by_done[position:end])
        found.append(
            Passage(
                mishap=mishap,
                write_stall_s=checkers.stall_s(felt),
                read_stall_s=checkers.read_stall_s(felt),
                slowest_s=checkers.slowest_s(felt),
                repeated=len(checkers.repeated(felt)),
                led=leaderships(samples, since_s=since_s, until_s=until_s),
            )
        )
    return tuple(found)


def failovers_unpromised(found: Sequence[Passage]) -> checkers.Findings:
    """Return each passage in which another number of hosts took over than its drill promises."""
    findings = []
    for number, passage in enumerate(found, 1):
        mishap, hosts = passage.mishap, ", then ".join(led.host for led in passage.led)
        most, least = mishap.promises.failovers_max, mishap.promises.takeovers_min
        where = f"{number}, {mishap.name}: {hosts or 'nobody'} led"
        if passage.failovers > most:
            findings.append(f"{where}; {passage.failovers} failovers, {most} at most")
        seen = checkers.takeovers(passage.led)
        if not mishap.problem and seen < least:
            findings.append(f"{where}; {seen} takeovers, {least} at least")
    return findings


def answered_late(history: History, found: Sequence[Passage]) -> checkers.Findings:
    """
    Return each request that was answered later than its passage allows.

    One that waited through several has the time of the most patient of them.
    """
    begins = [passage.mishap.began_s - _BEFORE_S for passage in found] + [float("inf")]
    spans = list(zip(found, pairwise(begins), strict=True))
    least_s = min((passage.slowest_max_s for passage in found), default=float("inf"))
    findings = []
    for request in history:
        if request.latency_s <= least_s:
            continue
        through = [
            (passage.slowest_max_s, number, passage.mishap.name)
            for number, (passage, (since_s, until_s)) in enumerate(spans, 1)
            if request.due_s < until_s and request.done_s >= since_s
        ]
        most_s, number, name = max(through, default=(float("inf"), 0, ""))
        if request.latency_s > most_s:
            findings.append(
                f"{number}, {name}: {request.kind} {request.key} was answered after "
                f"{request.latency_s:.2f} s, promised {most_s:.2f} s"
            )
    return findings


def page(found: Sequence[Passage]) -> str:
    """Return the passages as a table."""
    first_s = found[0].mishap.began_s if found else 0.0
    return table(_HEAD, [_row(number, each, first_s) for number, each in enumerate(found, 1)])


def _row(number: int, passage: Passage, first_s: float) -> tuple[str, ...]:
    mishap, promises = passage.mishap, passage.mishap.promises
    return (
        str(number),
        mishap.name,
        mishap.where,
        f"{mishap.began_s - first_s:.0f}",
        f"{passage.write_stall_s:.2f}",
        "–" if promises.write_stall_s is None else f"≤ {promises.write_stall_s:g}",
        f"{passage.read_stall_s:.2f}",
        f"{passage.slowest_s:.2f}",
        str(passage.repeated),
        f"{passage.failovers} (≤ {promises.failovers_max})",
        f"{mishap.whole_s - mishap.cured_s:.1f}",
        mishap.problem,
    )
