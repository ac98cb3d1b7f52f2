"""Rounds: looks at the repository time after time, does what is due, counts what failed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from ha.backups import metrics, schedule
from ha.backups.pgbackrest import PgbackrestFailed
from ha.backups.repository import Contents, Kind

_LOG = logging.getLogger("backups")

# A cluster in which nobody writes has nothing to archive; the check makes it, so that the age of
# the newest segment always tells if archiving works.
CHECK_EVERY = timedelta(minutes=5)


class Commands(Protocol):
    """PgBackRest, as far as the rounds need it."""

    def contents(self) -> Contents:
        """Return what the repository holds."""
        ...

    def create_stanza(self) -> None:
        """Make the place for this data centre's backups."""
        ...

    def check(self) -> None:
        """Have the primary archive a segment, and see it arrive."""
        ...

    def back_up(self, kind: Kind, *, from_replica: bool) -> None:
        """Take a backup."""
        ...


class Rounds:
    """The backups of one data centre. What fails is counted, logged, due again next time."""

    def __init__(self, commands: Commands, *, proof: Path) -> None:
        self._commands = commands
        self._proof = proof
        self._checked_at: datetime | None = None

    def go(self, now: datetime) -> None:
        """Go round once: make the stanza, check the archive, take the backup that is due."""
        contents = self._look()
        if contents is None:
            return
        if not contents.has_stanza and not self._try("stanza-create", self._commands.create_stanza):
            return
        if self._checked_at is None or now - self._checked_at >= CHECK_EVERY:
            self._check(now)
        if kind := schedule.due(now, contents):
            self._back_up(kind)
            self._look()

    def _look(self) -> Contents | None:
        """Return what the repository holds, and show it; none if it cannot be read."""
        try:
            contents = self._commands.contents()
        except PgbackrestFailed as failure:
            _count("info", failure)
            return None
        metrics.show(contents, proof=self._proof)
        return contents

    def _back_up(self, kind: Kind) -> None:
        """Take a backup from a replica, which has the time; from the primary if no replica can."""
        _LOG.info("a backup of kind %s is due", kind)
        from_replica = partial(self._commands.back_up, kind, from_replica=True)
        from_primary = partial(self._commands.back_up, kind, from_replica=False)
        if self._try("backup", from_replica) or self._try("backup", from_primary):
            _LOG.info("took a backup of kind %s", kind)

    def _check(self, now: datetime) -> None:
        """Check the archive; the first success is worth a line, the others are not."""
        if self._try("check", self._commands.check) and self._checked_at is None:
            _LOG.info("the archive works: a WAL segment of the primary reached it")
        self._checked_at = now

    def _try(self, name: str, command: Callable[[], None]) -> bool:
        """Run one command, and return whether it succeeded."""
        try:
            command()
        except PgbackrestFailed as failure:
            _count(name, failure)
            return False
        return True


def _count(name: str, failure: PgbackrestFailed) -> None:
    metrics.FAILURES.labels(name).inc()
    _LOG.warning("%s", failure)
