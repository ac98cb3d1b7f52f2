"""Whether the service can do its work right now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.domain.errors import Busy
from service.store import readiness as store
from service.store.database import Database
from service.store.sessions import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What can be done; `detail` says in words what cannot."""

    is_ready: bool
    can_write: bool
    can_read: bool
    detail: str


def readiness(*, database: Database, deadline: float) -> Readiness:
    """Return whether a replica or the primary can be read, whether it accepts writes, by then."""
    can_read = _works(Session(database).read, store.read, deadline)
    can_write = can_read and _works(database.transaction, store.write, deadline)
    return Readiness(
        is_ready=can_write,
        can_write=can_write,
        can_read=can_read,
        detail=_detail(can_write=can_write, can_read=can_read),
    )


def _works(run: Callable[..., Any], work: Callable[..., Any], deadline: float) -> bool:
    try:
        run(work, scope="*", deadline=deadline)
    except Busy:
        return False
    return True


def _detail(*, can_write: bool, can_read: bool) -> str:
    if can_write:
        return "the primary can be read and accepts writes"
    if can_read:
        return "the database can be read, but accepts no writes"
    return "no primary answers: requests wait for the next one"
