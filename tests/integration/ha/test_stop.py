"""An announced stop of a real PostgreSQL whose archive command never ends."""

from __future__ import annotations

import os
import pwd
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
import yaml

from ha import handover
from ha.warden import processes
from tests.conftest import BIN
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


def stopped(folder, postmaster):
    """Stop a server as Patroni does, as the user that it runs as; tell if it has ended."""
    child = os.fork()
    if child == 0:
        code = 2
        try:
            owner = pwd.getpwnam("postgres")
            os.setgroups([])
            os.setgid(owner.pw_gid)
            os.setuid(owner.pw_uid)
            has_ended = handover.stop_as_announced(folder / "data", postmaster, run_folder=folder)
            code = 0 if has_ended else 1
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 1}
    return code == 0


def control(folder):
    """Return what a server that is stopped says in its control file."""
    told = subprocess.run(
        [BIN / "pg_controldata", folder / "data"], check=True, capture_output=True, text=True
    ).stdout
    return dict(re.findall(r"^([^:]+): +(.*)$", told, re.MULTILINE))


class Hanging:
    """A primary whose archiver has begun a push that hangs, with a note of its stop."""

    def __init__(self, server):
        self.server = server
        self.folder = server.folder
        self.begun = self.folder / "begun"
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
        """Do what Patroni does: what was announced, then a SIGINT, if need be: a fast stop."""
        postmaster = self.postmaster
        if not stopped(self.folder, postmaster):
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
        return text.replace("/run/evergrid/warden/stopping", str(self.folder / "stopping"))


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
    assert control(hanging.folder)["Database cluster state"] == "shut down", "in good order"


def test_a_stop_that_was_not_announced_waits_for_it(hanging):
    has_ended = hanging.stop()
    until_s = time.monotonic() + HANGS_S
    while time.monotonic() < until_s:
        assert not has_ended(), "then the test above proves nothing"
        time.sleep(0.1)
    assert hanging.archiving()
    hanging.server.stop("immediate")


def receiver_of(folder):
    """Return the process that receives WAL for a server."""
    postmaster = (folder / "data/postmaster.pid").read_text().split()[0]
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    [found] = [
        int(pid) for pid in children if b"walreceiver" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    return found


def test_a_stop_waits_for_the_replica_that_is_slow_to_receive_its_last_words(server):
    with reads.running(type(server)) as primary:
        with reads.running(type(server), replica_of=primary) as replica:
            receiver = receiver_of(replica.folder)
            primary.superuser("CREATE TABLE written AS SELECT 1", "postgres")
            postmaster = int((primary.folder / "data/postmaster.pid").read_text().split()[0])
            (primary.folder / "planned_stop").touch()
            os.kill(receiver, signal.SIGSTOP)
            began_s = time.monotonic()
            threading.Timer(1.0, os.kill, (receiver, signal.SIGCONT)).start()
            assert stopped(primary.folder, postmaster)
            assert time.monotonic() - began_s > 1.0
            told = control(primary.folder)
            assert told["Database cluster state"] == "shut down"
            [(has_it,)] = replica.superuser(
                "SELECT pg_last_wal_receive_lsn() > "
                f"'{told['Latest checkpoint location']}'::pg_lsn",
                "postgres",
            )
            assert has_it
        primary.start()  # what `running` stops
