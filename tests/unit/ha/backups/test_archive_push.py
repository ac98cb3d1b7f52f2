"""A file of WAL is archived, or refused until somebody looks, but for ends of timelines left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ha.warden import processes
from tests.unit.ha.regenerate import rendered

# Segments have 4 MB here, 1,024 to a log. Timeline 5 ended within segment 6A of log 2, when
# timeline 6 began; that one within the last segment of log 2.
SEGMENT_BYTES = 4 * 1024 * 1024
BEFORE = """1\t0/3000098\tno recovery target specified
5\t2/1A8000C8\tno recovery target specified
"""
HISTORY = f"""{BEFORE}6\t2/FFC00100\tno recovery target specified
"""
DIFFERS = "exit 45"
PGBACKREST = """#!/bin/sh
echo "$*" >>{folder}/asked
{does}
"""


class Host:
    """A database host's folders, with the script as rendered for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for made in (folder / "pg_wal", folder / "bin"):
            made.mkdir()
        (folder / "archive_push.sh").write_text(rendered()["db1/archive_push.sh"])
        (folder / "pg_wal/00000006.history").write_text(BEFORE)
        (folder / "pg_wal/00000007.history").write_text(HISTORY)
        self.pgbackrest_does("exit 0")

    def segment(self, name: str, size: int = SEGMENT_BYTES) -> None:
        """Have a file in pg_wal; the holes in it take no space."""
        with (self.folder / "pg_wal" / name).open("wb") as file:
            file.truncate(size)

    def pgbackrest_does(self, what: str) -> None:
        path = self.folder / "bin/pgbackrest"
        path.write_text(PGBACKREST.format(folder=self.folder, does=what))
        path.chmod(0o755)

    def archiver(self, name: str) -> subprocess.Popen:
        """Ask as PostgreSQL does: in its data folder, for a path relative to it."""
        return subprocess.Popen(
            ["sh", "-c", f'set -- {name} "pg_wal/{name}" pgbackrest; . ./archive_push.sh'],
            cwd=self.folder,
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}"},
        )

    def push(self, name: str, size: int = SEGMENT_BYTES) -> int:
        self.segment(name, size)
        with self.archiver(name) as pushing:
            return pushing.wait(timeout=30)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


@pytest.mark.parametrize("ended", [0, 1, 25, 82])
def test_a_push_ends_as_pgbackrest_did(host, ended):
    host.pgbackrest_does(f"exit {ended}")
    assert host.push("000000070000000300000001") == ended
    assert (host.folder / "asked").read_text().split()[-2:] == [
        "archive-push",
        "pg_wal/000000070000000300000001",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "00000005000000020000006A",
        "00000005000000020000006B",
        "000000050000000300000000",
        "00000005000000020000006A.partial",
        "0000000600000002000003FF",
        "00000001000000000000000C",
    ],
)
def test_the_end_of_a_timeline_that_was_left_holds_up_nothing(host, name):
    host.pgbackrest_does(DIFFERS)
    assert host.push(name) == 0


@pytest.mark.parametrize(
    "name",
    [
        "000000070000000300000001",  # its own timeline
        "000000080000000300000001",
        "000000050000000200000069",  # before the end: both must be the same
        "0000000600000002000003FE",
        "0000000500000001000003FF",
        "000000040000000200000019",  # no ancestor
        "00000007.history",
        "00000005000000020000006A.00000028.backup",
    ],
)
def test_any_other_file_of_which_the_archive_has_another_is_refused(host, name):
    host.pgbackrest_does(DIFFERS)
    assert host.push(name) == 45


def test_where_a_timeline_ended_depends_on_how_long_a_segment_is(host):
    host.pgbackrest_does(DIFFERS)
    assert host.push("00000005000000020000001A", 16 * 1024 * 1024) == 0
    assert host.push("000000050000000200000019", 16 * 1024 * 1024) == 45
    assert host.push("00000005000000020000001A") == 45


def test_a_server_on_its_first_timeline_has_left_none(host):
    for history in (host.folder / "pg_wal").iterdir():
        history.unlink()
    host.pgbackrest_does(DIFFERS)
    assert host.push("00000001000000000000000C") == 45


@pytest.mark.parametrize("hears", ["", "exit 63"])
def test_a_push_that_is_unwanted_ends_at_once_with_all_below_it(host, hears):
    """Above 125, so that the archiver ends too; the next one begins it anew."""
    host.pgbackrest_does(f"trap '{hears}' TERM\necho $$ >begun\nwhile :; do sleep 0.1; done")
    began_s = time.monotonic()
    with host.archiver("000000070000000300000001") as pushing:
        while not (host.folder / "begun").exists():
            assert time.monotonic() - began_s < 20
            time.sleep(0.01)
        for _ in range(3):  # handover says it again and again
            pushing.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        assert pushing.wait(timeout=10) > 125
    push = processes.status(int((host.folder / "begun").read_text()))
    assert push is None or push.state == "Z", "nobody may have reaped it"
