"""An announced stop of a real PostgreSQL whose archive command never ends."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from ha.warden import processes
from tests.integration import reads
from tests.unit.ha.regenerate import rendered

# An archive that takes a connection and says nothing more; it does not even hear a SIGTERM.
PGBACKREST = """#!/bin/sh
trap '' TERM
echo $$ >>{begun}
while :; do sleep 1; done
"""
# A stop that needs an answer of the archive would take 20 s at the least: `timeout` gives it those.
HANGS_S = 5.0
WITHIN_S = 4.0


def parameters():
    """What Patroni tells PostgreSQL."""
    told = yaml.safe_load(rendered()["db1/patroni.yml"])
    return told["bootstrap"]["dcs"]["postgresql"]["parameters"]


class Hanging:
    """A primary whose archiver has begun a push that hangs, with the script of a stop."""

    def __init__(self, server):
        self.server = server
        self.folder = server.folder
        self.note = self.folder / "planned_stop"
        self.begun = self.folder / "begun"
        self.script = self._written("before_stop.sh", rendered()["db1/before_stop.sh"])
        archive = self._written("pgbackrest", PGBACKREST.format(begun=self.begun))
        push = self._written("archive_push.sh", rendered()["db1/archive_push.sh"])
        command = parameters()["archive_command"].replace(" pgbackrest;", f" {archive};")
        command = command.replace("/etc/evergrid/archive_push.sh", str(push))
        server.superuser(f"ALTER SYSTEM SET archive_command = $sh${command}$sh$", "postgres")
        server.superuser("ALTER SYSTEM SET archive_mode = on", "postgres")
        server.stop("fast")
        server.start()
        server.superuser("CREATE TABLE written AS SELECT 1; SELECT pg_switch_wal()", "postgres")
        self.until(self.begun.exists, within_s=20)

    @property
    def postmaster(self):
        return int((self.folder / "data/postmaster.pid").read_text().split()[0])

    def announce(self):
        self._written("planned_stop", "")

    def stop(self):
        """Do what Patroni does: the script, whatever its exit code, then a SIGINT: a fast stop."""
        postmaster = self.postmaster
        as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        subprocess.run([*as_owner, "sh", str(self.script)], check=False, timeout=20)
        if Path(f"/proc/{postmaster}").exists():
            os.kill(postmaster, signal.SIGINT)
        return lambda: not Path(f"/proc/{postmaster}").exists()

    def until(self, condition, *, within_s):
        until_s = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < until_s, "not in time"
            time.sleep(0.02)

    def archiving(self):
        """Tell if any push that was begun still hangs; nobody may have reaped one that ended."""
        found = [processes.status(int(pid)) for pid in self.begun.read_text().split()]
        return any(push is not None and push.state != "Z" for push in found)

    def _written(self, name, text):
        path = self.folder / name
        path.write_text(self._placed(text))
        path.chmod(0o755)
        owner = self.folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
        return path

    def _placed(self, text):
        for usual, here in (
            ("/run/evergrid/warden/planned_stop", self.note),
            ("/run/evergrid/warden/stopping", self.folder / "stopping"),
            ("/var/lib/evergrid/postgresql/data", self.folder / "data"),
        ):
            text = text.replace(usual, str(here))
        return text


@pytest.fixture
def hanging(server):
    with reads.running(type(server)) as own:
        found = Hanging(own)
        yield found
        if not (own.folder / "data/postmaster.pid").exists():
            own.start()  # what `running` stops


def test_an_announced_stop_does_not_wait_for_an_archive_that_hangs(hanging):
    hanging.announce()
    began_s = time.monotonic()
    has_ended = hanging.stop()
    hanging.until(has_ended, within_s=WITHIN_S)

    assert time.monotonic() - began_s < WITHIN_S
    assert not hanging.archiving(), "nor is a push left behind"
    log = (hanging.folder / "log").read_text()
    assert log.rstrip().endswith("database system is shut down"), "in good order, no crash"


def test_a_stop_that_was_not_announced_waits_for_it(hanging):
    has_ended = hanging.stop()
    until_s = time.monotonic() + HANGS_S
    while time.monotonic() < until_s:
        assert not has_ended(), "then the test above proves nothing"
        time.sleep(0.1)
    assert hanging.archiving()
    hanging.server.stop("immediate")
