"""Restore: brings a fresh lab up from another one's backups, as it was at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from ha.backups import repository, targets
from ha.backups.repository import Backup, Contents
from ha.lab import recovery, state, up
from ha.lab.commands import run
from ha.lab.errors import LabFailed
from ha.lab.lab import Lab
from ha.lab.layout import Layout
from ha.lab.progress import Progress
from ha.lab.waiting import until
from ha.origin import Origin
from ha.statements import statement
from ha.topology import rebased

# `archive_command` is given 20 s, and may be tried again once.
ARCHIVED_S = 45.0
# A list of backups is read in a tenth of a second.
INFO_S = 30.0

# A commit after whatever may be asked for (recovery stops at the first one after its target),
# then a switch, so that the segment with it is archived now.
_COMMIT = statement("commit_position")
_SWITCH = statement("switch_segment")
_ARCHIVED = statement("last_archived")


class LabExists(LabFailed):
    """The fresh lab is not fresh: there is one of its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to restore: `target` none means all there is; a bare lab has the databases only."""

    source: Layout
    layout: Layout
    subnet: str
    target: datetime | None
    release: str
    is_bare: bool


def restore(request: Request, progress: Progress) -> Lab:
    """
    Bring up the fresh lab with the source's data, under passwords of its own.

    The source's repository is only read. Tokens are rows: those of the source are good here too.
    :raises RestoreRefused: if there is nothing to restore, or not of that time
    :raises LabExists: if there is a lab of that name
    :raises ArchiveTooShort: if the source is gone, and its archive ends before the target
    """
    if state.load(request.layout) is not None:
        name = request.layout.lab
        raise LabExists(f"there is a lab {name!r} already; take it down, or choose another --name")
    source = Lab(request.source)
    contents = _contents(source)
    backup = targets.choose(contents, target=request.target, now=datetime.now(UTC))
    _archive_the_rest(source, progress)
    lab = up.up(_order(request, source, backup), progress)
    if not request.is_bare:
        _take_over_tokens(source, lab)
    progress.say(_result(backup, recovery.reached(lab)))
    return lab


def _contents(source: Lab) -> Contents:
    """Return what the source's repository holds; read where it lies, whether or not it is on."""
    argv = ["pgbackrest", "--no-config", f"--repo1-path={_repository(source)}"]
    argv += [f"--stanza={source.topology.name}", "--log-level-console=off"]
    printed = run([*argv, "info", "--output=json"], timeout_s=INFO_S)
    return repository.parse(printed, stanza=source.topology.name)


def _repository(source: Lab) -> str:
    backup = source.topology.with_role("backup")[0]
    return str(source.layout.host_folder(backup.name) / "data" / "pgbackrest")


def _archive_the_rest(source: Lab, progress: Progress) -> None:
    """Have the source archive what it has written so far, if it still lives."""
    primary = source.primary()
    if primary is None:
        progress.say("The source has no primary: what it had archived is all there is.")
        return
    with progress.step(f"Have {primary} of {source.layout.lab!r} archive its last transactions"):
        source.query(_COMMIT, primary)
        segment = str(source.query(_SWITCH, primary)[0]["segment"])
        until(
            lambda: source.query(_ARCHIVED, primary)[0]["last_archived_wal"],
            is_enough=lambda seen: _is_reached(segment, seen),
            what=f"{segment} is archived",
            within_s=ARCHIVED_S,
        )


def _is_reached(segment: str, archived: str | None) -> bool:
    """Test if the archive has come as far as `segment` on its timeline, or is on a later one."""
    return archived is not None and archived[: len(segment)] >= segment


def _order(request: Request, source: Lab, backup: Backup) -> up.Order:
    topology = rebased(source.topology, name=request.layout.lab, subnet=request.subnet)
    until_ = targets.as_postgresql(request.target) if request.target else None
    return up.Order(
        layout=request.layout,
        topology=topology,
        release=request.release,
        demo=None,
        is_bare=request.is_bare,
        origin=Origin(
            stanza=source.topology.name,
            repository=_repository(source),
            backup=backup.label,
            until=until_,
        ),
    )


def _take_over_tokens(source: Lab, lab: Lab) -> None:
    """Let the operator look with the tokens that are known of the source."""
    state.save_tokens(lab.layout, state.tokens(source.layout))
    known, before = state.load_known(lab.layout), state.load_known(source.layout)
    state.save(lab.layout, msgspec.structs.replace(known, account_no=before.account_no))


def _result(backup: Backup, reached: str | None) -> str:
    """Return how far the restore got, in a sentence."""
    last = f"the last transaction is of {reached}" if reached else "nothing was to be replayed"
    return f"Restored from the backup {backup.label}; {last}."
