"""Targets: the moment a restore aims at, with the backup to start from."""

from __future__ import annotations

from datetime import UTC, datetime

from ha.backups.repository import Backup, Contents
from ha.backups.schedule import ZONE


class RestoreRefused(Exception):
    """What was asked for cannot be restored; nothing was begun."""


class TargetUnreadable(RestoreRefused):
    """The time is not written as one."""


class TargetInTheFuture(RestoreRefused):
    """The moment has not come yet."""


class TargetBeforeFirstBackup(RestoreRefused):
    """The moment is older than the oldest backup that is kept."""


class NothingToRestore(RestoreRefused):
    """There is no backup at all."""


def read(text: str) -> datetime:
    """
    Return the moment an operator means: ISO 8601; without an offset it is business time.

    :raises TargetUnreadable: if it is not a time
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise TargetUnreadable(
            f"{text!r} is not a time; write it as 2026-11-24T09:30:00+08:00"
        ) from error
    return (found if found.tzinfo else found.replace(tzinfo=ZONE)).astimezone(UTC)


def choose(contents: Contents, *, target: datetime | None, now: datetime) -> Backup:
    """
    Return the newest backup that was consistent by `target`; without a target the newest.

    :raises NothingToRestore: if there is no backup
    :raises TargetInTheFuture: if `target` is after `now`
    :raises TargetBeforeFirstBackup: if no backup is old enough
    """
    if not contents.backups:
        raise NothingToRestore("there is no backup yet; the first is taken within minutes")
    if target is None:
        return contents.backups[-1]
    if target > now:
        raise TargetInTheFuture(f"{shown(target)} is in the future; it is {shown(now)} now")
    usable = [backup for backup in contents.backups if backup.ended <= target]
    if not usable:
        first = contents.backups[0].ended
        raise TargetBeforeFirstBackup(
            f"{shown(target)} is before the oldest backup; from {shown(first)} on can be restored"
        )
    return usable[-1]


def as_postgresql(moment: datetime) -> str:
    """Return the moment as PostgreSQL's settings and logs write it, to the microsecond."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00"


def shown(moment: datetime) -> str:
    """Return the moment in business time, as people read it."""
    return moment.astimezone(ZONE).isoformat(" ", "seconds")
