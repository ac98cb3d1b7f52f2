"""Consistency: whether a replica has seen what a client has seen already."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

# Both numbers in hexadecimal with leading zeros, so that clients can compare tokens as text.
PATTERN = "^[0-9A-F]{8}/[0-9A-F]{16}$"
_TOKEN = re.compile(PATTERN)

# Where each timeline that another one descends from ended: by its number, in bytes of WAL.
Forks = Mapping[int, int]


class Position(NamedTuple):
    """
    A place in the history of the database; the later of two compares greater.

    The WAL is counted in bytes (`lsn`); each promotion begins a new `timeline` somewhere in it.
    """

    timeline: int
    lsn: int

    def __str__(self) -> str:
        return f"{self.timeline:08X}/{self.lsn:016X}"


class Standing(Enum):
    """How a replica stands to a position."""

    PAST = "past"  # it has it
    BEHIND = "behind"  # it may have it in a moment
    ASTRAY = "astray"  # it never will: its history left that timeline before


def parsed(text: str) -> Position | None:
    """Return the position that a token names, or None if it is no token of ours."""
    if not _TOKEN.fullmatch(text):
        return None
    timeline, _, lsn = text.partition("/")
    return Position(int(timeline, 16), int(lsn, 16))


def standing(wanted: Position, *, timeline: int, replayed_lsn: int, forks: Forks) -> Standing:
    """
    Return how a replica that follows `timeline`, replayed up to `replayed_lsn`, stands to `wanted`.

    What was written on a timeline beyond the place where a descendant left it is no part of the
    descendant's history. Source: PostgreSQL 15, section 26.3.6 (timelines).

    :param forks: of the timelines that `timeline` descends from
    """
    if wanted.timeline < timeline:
        ended_lsn = forks.get(wanted.timeline)
        if ended_lsn is None or wanted.lsn > ended_lsn:
            return Standing.ASTRAY
    is_there = wanted.timeline <= timeline and wanted.lsn <= replayed_lsn
    return Standing.PAST if is_there else Standing.BEHIND
