"""PostgreSQL gets from the archive what only the archive has, and never waits long for it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.unit.ha.regenerate import rendered

SEGMENT = "000000010000000000000007"
HISTORY = "00000003.history"
# What stands in for pgBackRest: notes that it was asked, then does what the test says.
PGBACKREST = """#!/bin/sh
echo "$*" >>{folder}/asked
{does}
"""


class Host:
    """A database host's folders, with the script as rendered for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memory = folder / "memory"
        self.pg_wal = folder / "pg_wal"
        for made in (self.memory, self.pg_wal, folder / "bin"):
            made.mkdir()
        self.note = folder / "streamed_at"
        text = rendered()["db1/archive_get.sh"]
        text = text.replace("/run/evergrid/pgbackrest", str(self.memory))
        text = text.replace("/run/evergrid/warden/streamed_at", str(self.note))
        (folder / "get.sh").write_text(text)
        self.pgbackrest_does("exit 1")

    def noted(self, before_s: float) -> None:
        """Note as the warden does that WAL was streamed, by a PostgreSQL that started before."""
        aged(self.folder / "postmaster.pid", by_s=1)
        at_s = time.clock_gettime(time.CLOCK_BOOTTIME) - before_s
        self.note.write_text(f"{int(at_s * 100)}\n")

    def pgbackrest_does(self, what: str) -> None:
        path = self.folder / "bin" / "pgbackrest"
        path.write_text(PGBACKREST.format(folder=self.folder, does=what))
        path.chmod(0o755)

    def get(self, name: str) -> int:
        """Ask as PostgreSQL does: in its data folder, for a path relative to it."""
        done = subprocess.run(
            ["sh", "-c", f'set -- {name} "pg_wal/RECOVERYXLOG"; . ./get.sh'],
            cwd=self.folder,
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}"},
            timeout=30,
            check=False,
        )
        return done.returncode

    @property
    def asked(self) -> int:
        """How often pgBackRest was asked."""
        path = self.folder / "asked"
        return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def aged(path: Path, *, by_s: float) -> None:
    path.touch()
    then = time.time() - by_s
    os.utime(path, (then, then))


@pytest.mark.parametrize("name", [SEGMENT, HISTORY])
def test_what_the_archive_has_is_fetched(host, name):
    host.pgbackrest_does('for path; do :; done; echo wal >"$path"')
    assert host.get(name) == 0
    assert (host.pg_wal / "RECOVERYXLOG").read_text() == "wal\n"


def test_what_the_archive_lacks_is_no_fault(host):
    assert host.get(SEGMENT) == 1
    assert not (host.memory / "away").exists()


@pytest.mark.parametrize(("before_s", "asked"), [(0, 0), (50, 0), (61, 1)])
def test_while_the_warden_says_it_streamed_lately_no_segment_is_asked_for(host, before_s, asked):
    host.noted(before_s)
    assert (host.get(SEGMENT), host.asked) == (1, asked)


@pytest.mark.parametrize(("before_s", "asked"), [(0, 0), (2, 1)])
def test_a_second_after_it_streamed_no_timeline_is_asked_for(host, before_s, asked):
    host.noted(before_s)
    assert (host.get(HISTORY), host.asked) == (1, asked)


def test_the_note_of_an_earlier_run_is_not_believed(host):
    """What it streamed may be gone with its data; the archive has what the restored one needs."""
    host.noted(0)
    aged(host.note, by_s=5)
    aged(host.folder / "postmaster.pid", by_s=2)
    assert (host.get(SEGMENT), host.asked) == (1, 1)


@pytest.mark.parametrize("note", ["", "soon\n"])
def test_a_note_that_cannot_be_read_keeps_nobody_from_asking(host, note):
    host.note.write_text(note)
    assert (host.get(SEGMENT), host.asked) == (1, 1)


def test_a_timeline_known_already_is_not_asked_for(host):
    (host.pg_wal / HISTORY).touch()
    assert (host.get(HISTORY), host.asked) == (1, 0)


@pytest.mark.parametrize(("name", "kind"), [(SEGMENT, "segment"), (HISTORY, "history")])
def test_what_was_not_there_is_asked_for_again_two_seconds_later(host, name, kind):
    assert [host.get(name), host.get(name), host.asked] == [1, 1, 1]
    aged(host.memory / f"no_{kind}", by_s=3)
    assert [host.get(name), host.asked] == [1, 2]


def test_what_is_asked_for_in_between_is_no_repetition(host):
    following = SEGMENT[:-1] + "8"
    assert [host.get(name) for name in (SEGMENT, HISTORY, following)] == [1, 1, 1]
    assert host.asked == 3


def test_a_backup_host_that_hangs_is_waited_for_a_second_then_left_alone_for_ten(host):
    host.pgbackrest_does("exec sleep 60")
    began = time.monotonic()
    assert host.get(HISTORY) == 1
    assert 1 <= time.monotonic() - began < 14
    assert [host.get(SEGMENT), host.get("00000004.history"), host.asked] == [1, 1, 1]
    aged(host.memory / "away", by_s=11)
    host.pgbackrest_does("exit 1")
    assert [host.get(SEGMENT), host.asked] == [1, 2]


@pytest.mark.parametrize("ending", ["exit 49", "kill -9 $$", "exit 137"])
def test_however_pgbackrest_ends_postgresql_is_told_no_more_than_no(host, ending):
    """Above 125 it would stop (RestoreArchivedFile() in xlogarchive.c)."""
    host.pgbackrest_does(ending)
    assert host.get(SEGMENT) == 1
    assert (host.memory / "away").exists()


def test_a_timeline_learnt_a_moment_ago_has_no_successor(host):
    aged(host.pg_wal / "00000002.history", by_s=5)
    assert (host.get(HISTORY), host.asked) == (1, 0)
    aged(host.pg_wal / "00000002.history", by_s=15)
    assert (host.get(HISTORY), host.asked) == (1, 1)
