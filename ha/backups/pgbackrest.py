"""PgBackRest: runs its commands, each with a limit on its time."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass

from ha.backups import repository
from ha.backups.repository import Contents, Kind

CONFIGURATION = "/etc/evergrid/pgbackrest.conf"

# Reading the repository takes a tenth of a second; a busy disk, a few.
ASK_S = 60.0
# Every database host is asked; one that is off costs `io-timeout`, 10 s.
CHECK_S = 150.0
# Above what a province's data takes over one network card (1 TB at 100 MB/s: 3 h).
BACKUP_S = 12 * 3600.0


class PgbackrestFailed(Exception):
    """A command of pgBackRest ended badly, or not in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pgbackrest:
    """PgBackRest for one data centre (stanza), as configured at `configuration`."""

    stanza: str
    configuration: str = CONFIGURATION

    def contents(self) -> Contents:
        """Return what the repository holds."""
        printed = self._run("info", "--output=json", "--log-level-console=off", within_s=ASK_S)
        return repository.parse(printed, stanza=self.stanza)

    def archived(self) -> set[str]:
        """Return every WAL segment in the archive."""
        folder = f"archive/{self.stanza}"
        printed = self._run("repo-ls", folder, "--recurse", has_stanza=False, within_s=ASK_S)
        return repository.segments(printed.split())

    def create_stanza(self) -> None:
        """Make the place for this data centre's backups; there may be one already."""
        self._run("stanza-create", within_s=CHECK_S)

    def check(self) -> None:
        """Have the primary archive a segment, and see it arrive."""
        self._run("check", within_s=CHECK_S)

    def back_up(self, kind: Kind, *, from_replica: bool) -> None:
        """Take a backup, and let go those that are no longer kept."""
        source = "--backup-standby" if from_replica else "--no-backup-standby"
        self._run("backup", f"--type={kind}", source, within_s=BACKUP_S)

    def archive(self, segment: str) -> None:
        """Archive the WAL segment at a path; one that is there already, and the same, is fine."""
        self._run("archive-push", segment, within_s=ASK_S)

    def _run(self, command: str, *arguments: str, within_s: float, has_stanza: bool = True) -> str:
        """
        Return what the command printed.

        :raises PgbackrestFailed: with its last words
        """
        whose = [f"--stanza={self.stanza}"] if has_stanza else []
        argv = ["pgbackrest", f"--config={self.configuration}", *whose, command, *arguments]
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=within_s, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PgbackrestFailed(f"{command}: {error}") from error
        if done.returncode != 0:
            why = (done.stderr or done.stdout).strip().splitlines()[-3:]
            raise PgbackrestFailed(f"{command} ended with {done.returncode}: {' / '.join(why)}")
        return done.stdout
