"""An announced stop of PostgreSQL is done at once, however long its archive command would take."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.unit.ha.regenerate import rendered

# Stands in for PostgreSQL: on SIGINT it waits for its archiver, the archiver for its command.
POSTMASTER = """
import signal, subprocess, sys, threading
asked = threading.Event()
signal.signal(signal.SIGINT, lambda *_: asked.set())
command = "import subprocess; subprocess.run(['sleep', '60'])"
archiver = subprocess.Popen([sys.executable, "-c", command, "archiver"])
print("ready", flush=True)
asked.wait()
archiver.wait()
"""
# Stands in for one that found no room for its checkpoint: it recovers, and does not hear.
RECOVERING = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
# Less than the minute that the archive command takes, more than a busy machine does.
PATIENCE_S = 20.0


class Host:
    """A database host's folders, the script as rendered for it, a server that runs."""

    def __init__(self, folder, server):
        self.note = folder / "planned_stop"
        self.stopping = folder / "stopping"
        self.server = server
        (folder / "postmaster.pid").write_text(f"{server.pid}\n/data\n")
        text = rendered()["db1/before_stop.sh"]
        text = text.replace("/run/evergrid/warden/planned_stop", str(self.note))
        text = text.replace("/run/evergrid/warden/stopping", str(self.stopping))
        self.script = folder / "before_stop.sh"
        self.script.write_text(text.replace("/var/lib/evergrid/postgresql/data", str(folder)))

    def fill(self):
        """Let the script want more room than there is."""
        text = self.script.read_text()
        assert "least=4194304 " in text
        self.script.write_text(text.replace("least=4194304 ", f"least={1 << 60} "))

    def archives(self, *, while_stopping):
        """Run archive_command as PostgreSQL does while a server is stopped; tell how it ends."""
        self.stopping.write_text(f"{while_stopping}\n")
        push = self.script.with_name("archive_push.sh")
        text = rendered()["db1/archive_push.sh"]
        text = text.replace("/run/evergrid/warden/stopping", str(self.stopping))
        push.write_text(text)
        argv = ["sh", "-c", "set -- 000000010000000000000001 pg_wal/x true; . ./archive_push.sh"]
        return subprocess.run(argv, cwd=push.parent, check=False).returncode

    def announce(self, *, before_s=0.0):
        self.note.touch()
        then = time.time() - before_s
        os.utime(self.note, (then, then))

    def stops(self):
        """Run the script as Patroni does; tell if the server has ended when it returns."""
        with subprocess.Popen(["sh", self.script]) as script:
            until_s, has_ended = time.monotonic() + PATIENCE_S, False
            while script.poll() is None:
                assert time.monotonic() < until_s
                has_ended = self.server.poll() is not None  # reaps it, as init would
                time.sleep(0.01)
        return has_ended


@contextlib.contextmanager
def running(program, folder):
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout.readline() == "ready\n"
        yield Host(folder, server)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


@pytest.fixture
def host(tmp_path):
    with running(POSTMASTER, tmp_path) as found:
        yield found


def test_an_announced_stop_does_not_wait_for_the_archive(host):
    host.announce()
    assert host.stops()
    assert not host.note.exists(), "an announcement is good for one stop"
    assert not host.stopping.exists(), "nor may its note outlast it"


def test_a_server_that_is_being_stopped_begins_no_push(host):
    """An archiver whose command ends by a signal ends too (pgarch_archiveXlog() in pgarch.c)."""
    assert host.archives(while_stopping=host.server.pid) == -signal.SIGTERM
    assert host.archives(while_stopping=host.server.pid + 1) == 0


@pytest.mark.parametrize("before_s", [None, 20.0])
def test_any_other_stop_is_left_to_patroni(host, before_s):
    if before_s is not None:
        host.announce(before_s=before_s)
    assert not host.stops()


def test_a_server_without_room_that_does_not_stop_is_ended(tmp_path):
    with running(RECOVERING, tmp_path) as host:
        host.fill()
        host.announce()
        assert host.stops()
        assert host.server.returncode == -signal.SIGQUIT


def test_one_that_has_the_room_it_needs_stops_in_good_order(host):
    host.fill()
    host.announce()
    assert host.stops()
    assert host.server.returncode == 0
