"""Passages: what clients felt of each fault of a run that broke many, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from failover_tests import checkers
from failover_tests.history import History
from failover_tests.markdown import table

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
    "whole again, s",
    "problem",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """
    One thing that was broken, then cured; times are monotonic.

    `problem` says why it could not be broken, or not be cured; empty if all went well.
    """

    name: str
    where: str
    began_s: float
    cured_s: float
    whole_s: float
    promised_s: float | None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One mishap with what clients felt until the next; a stall that never ended is endless."""

    mishap: Mishap
    write_stall_s: float
    read_stall_s: float
    slowest_s: float


def passages(history: History, mishaps: Sequence[Mishap]) -> tuple[Passage, ...]:
    """
    Return the passage of each mishap, in their order.

    A request belongs to the mishap after whose beginning it was finished, the last before it to
    the next one too: a stall begins with it.
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
            )
        )
    return tuple(found)


def page(found: Sequence[Passage]) -> str:
    """Return the passages as a table."""
    first_s = found[0].mishap.began_s if found else 0.0
    return table(_HEAD, [_row(number, each, first_s) for number, each in enumerate(found, 1)])


def _row(number: int, passage: Passage, first_s: float) -> tuple[str, ...]:
    mishap = passage.mishap
    return (
        str(number),
        mishap.name,
        mishap.where,
        f"{mishap.began_s - first_s:.0f}",
        f"{passage.write_stall_s:.2f}",
        "–" if mishap.promised_s is None else f"≤ {mishap.promised_s:g}",
        f"{passage.read_stall_s:.2f}",
        f"{passage.slowest_s:.2f}",
        f"{mishap.whole_s - mishap.cured_s:.1f}",
        mishap.problem,
    )
