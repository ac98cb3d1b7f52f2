"""Recovery: how far the databases of a lab that is being restored have got."""

from __future__ import annotations

import re

from ha.lab.errors import LabFailed
from ha.lab.lab import Lab
from ha.statements import statement

_REACHED = re.compile(r"last completed transaction was at log time (.+)$", re.MULTILINE)
_ENDED = "recovery ended before configured recovery target was reached"
# Patroni has set its own three; the service's own get theirs with the next step. Whoever knew a
# password of the source must not get in with it meanwhile, or ever.
_LOCK_OUT = statement("lock_out_passwords")


class ArchiveTooShort(LabFailed):
    """The archive ends before the moment that was asked for."""


def assert_possible(lab: Lab) -> None:
    """
    Do nothing as long as the recovery may still reach its target.

    :raises ArchiveTooShort: if PostgreSQL has found the end of the archive before
    """
    if any(_ENDED in text for text in _logs(lab)):
        raise ArchiveTooShort(
            "the archive holds no transaction after the time asked for;"
            " leave --to out to get all there is"
        )


def reached(lab: Lab) -> str | None:
    """Return the time of the last transaction that was recovered; none if none had to be."""
    found = [time for text in _logs(lab) for time in _REACHED.findall(text)]
    return found[-1] if found else None


def lock_out_sources_passwords(lab: Lab) -> None:
    """Take away each password that came with the backup."""
    lab.psql(_LOCK_OUT)


def _logs(lab: Lab) -> list[str]:
    """Return what each PostgreSQL of the lab has logged."""
    folders = [lab.layout.log_folder(host.name) for host in lab.topology.with_role("database")]
    return [
        path.read_text(encoding="utf-8", errors="replace")
        for folder in folders
        for path in sorted((folder / "postgresql").glob("*.log"))
    ]
