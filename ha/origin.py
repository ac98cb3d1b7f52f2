"""Origin: the backup a data centre is born from, if it is not born empty."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """
    A moment of another data centre.

    `stanza` is that data centre's name; `repository` the folder with its backups, which is only
    ever read; `backup` the label of the one to begin with; `until` the moment to recover up to as
    PostgreSQL writes it ("2026-11-24 09:30:00.000000+00"), none for the end of the archive.
    """

    stanza: str
    repository: str
    backup: str
    until: str | None
