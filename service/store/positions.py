"""Positions in the WAL, as servers tell them."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.consistency import Forks, Position
from service.store import queries

_SQL = queries.load("positions")
POSITION, DEMAND = _SQL["position"], _SQL["demand"]
SERVER, HISTORY = _SQL["server"], _SQL["history"]

# Raised by `demand`: this replica has not come that far.
BEHIND = "EG001"
NOTHING = "-"
_TIMELINE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Told:
    """
    What a server says of itself: where it stands in the WAL, `receiving` on which timeline.

    A replica that receives nothing has None there, then `newest` is the newest timeline it has ever
    heard of (1 where it has heard of none).
    """

    is_primary: bool
    replayed_lsn: int
    received_lsn: int
    receiving: int | None
    newest: int

    @property
    def seen_lsn(self) -> int:
        """Where everything ends that a statement saw which ran before this was told."""
        # Not what was replayed: a commit can be seen a moment before it counts as replayed.
        return max(self.replayed_lsn, self.received_lsn)

    @property
    def is_sure(self) -> bool:
        """Tell if `seen_lsn` is right: not while a replica replays what it did not receive."""
        return self.receiving is not None or self.replayed_lsn <= self.received_lsn


def told(text: str) -> Told:
    """Return what a server says with `evergrid_cluster.position`."""
    kind, *words = text.split(" ")
    if kind == "primary":
        walfile, flushed = words
        timeline, lsn = int(walfile[:_TIMELINE_DIGITS], 16), lsn_of(flushed)
        return Told(True, lsn, lsn, timeline, timeline)  # noqa: FBT003  its five facts, in order
    replayed, received, receiving, newest = words
    return Told(
        is_primary=False,
        replayed_lsn=lsn_of(replayed),
        received_lsn=lsn_of(received),
        receiving=None if receiving == NOTHING else int(receiving),
        newest=1 if newest == NOTHING else int(newest[:_TIMELINE_DIGITS], 16),
    )


def primary_position(text: str) -> Position:
    """Return where a primary stands."""
    found = told(text)
    assert found.is_primary, "only a primary commits"
    return Position(found.newest, found.seen_lsn)


def forks(history: str) -> Forks:
    """
    Return where each timeline ended that the one of this history file descends from.

    Source: PostgreSQL 15, readTimeLineHistory() in timeline.c: a line each, the number, a tab, the
    LSN, a tab, the reason.
    """
    ended = {}
    for line in history.splitlines():
        words = line.split()
        if words and not line.startswith("#"):
            ended[int(words[0])] = lsn_of(words[1])
    return ended


def lsn_of(text: str) -> int:
    """Return an LSN as a number of bytes."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_text(lsn: int) -> str:
    """Return an LSN as PostgreSQL writes it."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"
