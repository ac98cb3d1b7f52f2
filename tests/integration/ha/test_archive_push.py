"""A real PostgreSQL, a real pgBackRest: after a failover the archive is not blocked for good."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
import yaml

from tests.integration import reads
from tests.unit.ha.regenerate import rendered

PGBACKREST = """[global]
repo1-path={folder}/repository
lock-path={folder}/locks
log-level-file=off
compress-type=lz4

[evergrid]
pg1-path={folder}/data
pg1-port={port}
pg1-socket-path={folder}
pg1-user=postgres
"""


class Archived:
    """A primary with a repository beside it, archiving as db1 does."""

    def __init__(self, server):
        self.server = server
        self.folder = server.folder
        self.wal = self.folder / "data/pg_wal"
        self.settings = self.folder / "pgbackrest.conf"
        self._written(self.settings, PGBACKREST.format(folder=self.folder, port=server.port))
        text = rendered()["db1/archive_push.sh"]
        text = text.replace("/etc/evergrid/pgbackrest.conf", str(self.settings))
        text = text.replace("/run/evergrid/warden/stopping", str(self.folder / "stopping"))
        script = self.folder / "archive_push.sh"
        self._written(script, text)
        told = yaml.safe_load(rendered()["db1/patroni.yml"])["bootstrap"]["dcs"]["postgresql"]
        command = told["parameters"]["archive_command"]
        command = command.replace("/etc/evergrid/archive_push.sh", str(script))
        server.superuser(f"ALTER SYSTEM SET archive_command = $sh${command}$sh$", "postgres")
        server.superuser("ALTER SYSTEM SET archive_mode = on", "postgres")
        server.stop("fast")
        server.start()
        self.pgbackrest("stanza-create")

    def pgbackrest(self, *arguments):
        """Run it as the owner of the data; return its exit code."""
        stanza = rendered()["db1/archive_push.sh"].partition("--stanza=")[2].split()[0]
        text = self.settings.read_text().replace("[evergrid]", f"[{stanza}]")
        self._written(self.settings, text)
        argv = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        argv += ["pgbackrest", f"--config={self.settings}", f"--stanza={stanza}", *arguments]
        return subprocess.run(
            argv, check=False, cwd=self.folder, timeout=60, capture_output=True
        ).returncode

    def goes_over_to_a_new_timeline(self):
        self.server.stop("fast")
        (self.folder / "data/standby.signal").touch()
        self.server.start()
        self.server.promote()

    def ends_a_segment(self):
        """Write something; return the name of the segment that holds it, which is complete."""
        statement = "CREATE TABLE IF NOT EXISTS w (); SELECT pg_walfile_name(pg_switch_wal())"
        return self.server.superuser(statement, "postgres")[0][0]

    def has(self, name):
        """Tell if the archiver is done with a segment."""
        return (self.wal / "archive_status" / f"{name}.done").exists()

    def offers(self, name, content):
        """Put a segment beside the others, as a host has it that followed its timeline."""
        self._written(self.wal / name, content)
        self._written(self.wal / "archive_status" / f"{name}.ready", b"")

    def _written(self, path, content):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        owner = self.folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def test_pgbackrest_takes_the_command_for_its_own(archived):
    """Its check archives a segment, and refuses an archive_command that does not name it."""
    assert archived.pgbackrest("check") == 0


@pytest.fixture
def archived(server):
    if shutil.which("pgbackrest") is None:
        pytest.fail("pgbackrest is missing: ansible/prepare installs it")
    with reads.running(type(server)) as own:
        yield Archived(own)


def test_the_end_of_a_timeline_that_was_left_does_not_block_the_archive(archived):
    first = archived.ends_a_segment()
    reads.until(lambda: archived.has(first))
    content = (archived.wal / first).read_bytes()
    archived.goes_over_to_a_new_timeline()
    # The repository has the last segment of timeline 1 whole, from who led it.
    history = (archived.wal / "00000002.history").read_text().split()
    ended_in = int(history[1].partition("/")[2], 16) // len(content)
    last = f"0000000100000000{ended_in:08X}"
    own = archived.folder / last
    archived._written(own, content)
    assert archived.pgbackrest("archive-push", str(own)) == 0

    archived.offers(last, content[:8192] + bytes(len(content) - 8192))
    following = archived.ends_a_segment()

    assert archived.pgbackrest("archive-push", str(archived.wal / last)) == 45
    reads.until(lambda: archived.has(following))
    assert archived.has(last)
    log = (archived.folder / "log").read_text()
    assert "is of a timeline that was left" in log


def test_another_segment_of_ones_own_timeline_blocks_it_until_somebody_looks(archived):
    first = archived.ends_a_segment()
    reads.until(lambda: archived.has(first))
    content = (archived.wal / first).read_bytes()

    archived.offers(first, content[:8192] + bytes(len(content) - 8192))
    following = archived.ends_a_segment()

    reads.until(lambda: "failed with exit code 45" in (archived.folder / "log").read_text())
    assert not archived.has(following)
