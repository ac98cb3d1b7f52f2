"""Repository: what pgBackRest says it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Kind = Literal["full", "diff", "incr"]

# Codes of `pgbackrest info` (2.45, src/command/info/info.c): there are backups, or none yet.
_CREATED = frozenset({0, 2})
_SEGMENT = re.compile(r"([0-9A-F]{24})(?:-[0-9a-f]{40}.*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup that can be restored; `ended` is from when on it is consistent."""

    label: str
    kind: Kind
    began: datetime
    ended: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What there is of one data centre: whether it has a place (stanza), backups oldest first."""

    has_stanza: bool
    backups: tuple[Backup, ...]

    def newest(self, *kinds: Kind) -> Backup | None:
        """Return the newest backup, of these kinds if any is named; none if there is none."""
        found = [backup for backup in self.backups if not kinds or backup.kind in kinds]
        return found[-1] if found else None


def parse(printed: str, *, stanza: str) -> Contents:
    """Return what `pgbackrest info --output=json` printed of `stanza`; faulty backups left out."""
    found = [entry for entry in json.loads(printed) if entry["name"] == stanza]
    if not found or found[0]["status"]["code"] not in _CREATED:
        return Contents(has_stanza=False, backups=())
    backups = [_backup(entry) for entry in found[0]["backup"] if not entry.get("error")]
    return Contents(
        has_stanza=True, backups=tuple(sorted(backups, key=lambda backup: backup.ended))
    )


def segments(names: Iterable[str]) -> set[str]:
    """Return the WAL segments (24 digits) among names of archived files, also with a path."""
    found = (_SEGMENT.fullmatch(name.rsplit("/", 1)[-1]) for name in names)
    return {match[1] for match in found if match}


def last_archived_at(repository: Path, *, stanza: str) -> float | None:
    """
    Return when (seconds since 1970) the newest WAL segment came in; none if none ever did.

    Segments lie in folders named after timeline and position: the greatest name is the newest.
    """
    folders = sorted(
        (path for path in (repository / "archive" / stanza).glob("*/*") if path.is_dir()),
        key=lambda path: path.name,
    )
    for folder in reversed(folders):
        if times := [path.stat().st_mtime for path in folder.iterdir() if segments([path.name])]:
            return max(times)
    return None


def _backup(entry: dict[str, Any]) -> Backup:
    times = entry["timestamp"]
    return Backup(
        label=entry["label"],
        kind=entry["type"],
        began=datetime.fromtimestamp(times["start"], UTC),
        ended=datetime.fromtimestamp(times["stop"] + 1, UTC),  # a part of a second was cut off
    )
