"""What happened to the staff, as administrators or auditors read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from service.domain.months import BUSINESS_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffEventFilter:
    """
    Which events are asked for; all that is given must hold.

    `since` is the first business date, `until` the first one after the last.
    """

    user_name: str | None = None
    since: date | None = None
    until: date | None = None

    @property
    def begins_at(self) -> datetime:
        """The first moment of it."""
        return midnight(self.since or date.min)

    @property
    def ends_at(self) -> datetime:
        """The moment before which it ends."""
        return midnight(self.until or date.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffEventEntry:
    """
    One thing that happened; `user_name` is whose account it concerns, `done_by` who did it.

    Both are null where nobody had proved who they are, `user_name` for a name that nobody has;
    `done_by` is also null for what the operations staff did. `address` is where a sign-in came
    from. `bureau` is null for staff of every bureau.
    """

    happened_at: datetime
    kind: str
    user_name: str | None
    bureau: int | None
    done_by: str | None
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffEventPage:
    """A part of what happened, newest first."""

    items: list[StaffEventEntry]
    next_cursor: str | None


def midnight(day: date) -> datetime:
    """Return when a business date begins."""
    return datetime.combine(day, time.min, tzinfo=BUSINESS_TIME)
