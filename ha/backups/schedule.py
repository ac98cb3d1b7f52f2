"""Schedule: which backup is due."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ha.backups.repository import Contents, Kind

# Business time: the small hours are when the least is paid, billed or read.
ZONE = ZoneInfo("Asia/Shanghai")
HOUR = 2
FULL_WEEKDAY = 6  # Sunday
# A restore replays at most this much WAL on top of a backup.
INCREMENTAL_EVERY = timedelta(hours=6)


def due(now: datetime, contents: Contents) -> Kind | None:
    """
    Return the kind of backup that should be taken now, or none.

    A full one each Sunday at 02:00, an incremental one each six hours from then. What was missed
    is due as soon as it can be taken; before the first full backup nothing else counts.
    """
    last_full = contents.newest("full")
    if last_full is None or last_full.began < last_full_slot(now):
        return "full"
    newest = contents.newest()
    assert newest is not None, "there is a full one"
    return "incr" if newest.began < last_incremental_slot(now) else None


def last_full_slot(now: datetime) -> datetime:
    """Return the last time at or before `now` at which a full backup begins."""
    here = now.astimezone(ZONE)
    days = (here.weekday() - FULL_WEEKDAY) % 7
    slot = datetime.combine(here.date() - timedelta(days=days), time(HOUR), ZONE)
    return (slot if slot <= here else slot - timedelta(days=7)).astimezone(UTC)


def last_incremental_slot(now: datetime) -> datetime:
    """Return the last time at or before `now` at which an incremental backup begins."""
    since = now.astimezone(UTC) - last_full_slot(now)
    return last_full_slot(now) + since // INCREMENTAL_EVERY * INCREMENTAL_EVERY
