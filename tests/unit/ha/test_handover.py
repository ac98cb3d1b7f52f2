"""An announced stop is done at once, a promotion is one signal."""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from patroni.postgresql import Postgresql

from ha import handover
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
# Stands in for one that hears nothing but an order to end: without room for its checkpoint, or with
# the children that its arguments name.
WAITING = """
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
sleep = "import time; time.sleep(60)"
children = [subprocess.Popen([sys.executable, "-c", sleep, each]) for each in sys.argv[1:]]
def end(*_):
    for child in children:
        if child.args[-1] != "logger":
            child.wait()
    for child in children:
        child.kill()
    sys.exit(3)
signal.signal(signal.SIGQUIT, end)
print("ready", flush=True)
time.sleep(60)
"""
ENDED_AT_ONCE = 3
# Less than the minute that the archive command takes, more than a busy machine does.
PATIENCE_S = 20.0


class Host:
    """A database host's folders, a server that runs there."""

    def __init__(self, folder, server):
        self.folder = folder
        self.note = folder / "planned_stop"
        self.stopping = folder / "stopping"
        self.server = server

    def archives(self, *, while_stopping):
        """Run archive_command as PostgreSQL does while a server is stopped; tell how it ends."""
        self.stopping.write_text(f"{while_stopping}\n")
        (self.folder / "postmaster.pid").write_text(f"{self.server.pid}\n/data\n")
        push = self.folder / "archive_push.sh"
        text = rendered()["db1/archive_push.sh"]
        text = text.replace("/run/evergrid/warden/stopping", str(self.stopping))
        push.write_text(text)
        argv = ["sh", "-c", "set -- 000000010000000000000001 pg_wal/x true; . ./archive_push.sh"]
        return subprocess.run(argv, cwd=push.parent, check=False).returncode

    def announce(self, *, before_s=0.0):
        self.note.touch()
        then = time.time() - before_s
        os.utime(self.note, (then, then))

    def says(self, state):
        """Write a control file of that state."""
        control = self.folder / "global/pg_control"
        control.parent.mkdir(exist_ok=True)
        control.write_bytes(struct.pack("=QIIi8168x", 1, 1300, 202209061, state))

    def stops(self):
        """Stop the server as Patroni does; tell if it was found ended."""
        found = []
        stop = threading.Thread(
            target=lambda: found.append(
                handover.stop_as_announced(self.folder, self.server.pid, run_folder=self.folder)
            )
        )
        stop.start()
        until_s = time.monotonic() + PATIENCE_S
        while stop.is_alive():
            assert time.monotonic() < until_s
            self.server.poll()  # reaps it, as init would
            time.sleep(0.01)
        assert found[0] is (self.server.poll() is not None)
        return found[0]


@contextlib.contextmanager
def running(program, folder, *children):
    argv = [sys.executable, "-c", program, *children]
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


@pytest.fixture
def room(monkeypatch):
    """Say whether a disk has any room."""
    return lambda has: monkeypatch.setattr(handover, "_lacks_room", lambda _: not has)


def test_an_announced_stop_does_not_wait_for_the_archive(host):
    host.announce()
    assert host.stops()
    assert host.server.returncode == 0, "in good order"
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


def test_a_server_without_room_that_does_not_stop_is_ended(tmp_path, room):
    room(has=False)
    with running(WAITING, tmp_path) as host:
        host.announce()
        assert host.stops()
        assert host.server.returncode == ENDED_AT_ONCE


def test_a_server_that_recovers_without_room_is_ended_with_its_checkpointer(tmp_path, room):
    room(has=False)
    with running(WAITING, tmp_path, "startup", "checkpointer", "logger") as host:
        host.announce()
        assert host.stops()
        assert host.server.returncode == ENDED_AT_ONCE


def test_children_that_cannot_be_listed_may_be_there():
    assert not handover._lacks(2**22 + 1, b"walsender")


def test_one_that_has_room_is_left_to_patroni_in_the_end(tmp_path, room, monkeypatch):
    room(has=True)
    monkeypatch.setattr(handover, "_STOP_S", 1.5)
    with running(WAITING, tmp_path) as host:
        host.announce()
        assert not host.stops()


def test_one_that_needs_no_room_stops_in_good_order(host, room):
    room(has=False)
    host.announce()
    assert host.stops()
    assert host.server.returncode == 0


def test_a_server_that_has_said_all_waits_for_nobody(tmp_path):
    with running(WAITING, tmp_path, "startup", "logger") as host:
        host.says(1)  # DB_SHUTDOWNED
        host.announce()
        began_s = time.monotonic()
        assert host.stops()
        assert host.server.returncode == ENDED_AT_ONCE, "while its logger was there still"
        assert time.monotonic() - began_s < handover._STOP_S


@pytest.mark.parametrize(
    ("state", "children"),
    [
        (3, []),  # DB_SHUTDOWNING
        (6, []),  # DB_IN_PRODUCTION
        (1, ["walsender evergrid"]),
        (1, ["checkpointer"]),
        (None, ["walsender evergrid"]),
    ],
)
def test_one_that_has_not_is_waited_for(tmp_path, room, monkeypatch, state, children):
    room(has=state is not None)
    monkeypatch.setattr(handover, "_STOP_S", 1.5)
    with running(WAITING, tmp_path, *children) as host:
        if state is not None:
            host.says(state)
        host.announce()
        assert not host.stops()


def test_one_look_that_misses_a_child_ends_nobody(tmp_path, room, monkeypatch):
    """The kernel may leave some out, if one ends while they are listed."""
    looks = []

    def lacks(*titles):
        looks.append(titles)
        return len(looks) % 2 == 1

    room(has=True)
    monkeypatch.setattr(handover, "_lacks", lacks)
    monkeypatch.setattr(handover, "_STOP_S", 0.5)
    with running(WAITING, tmp_path) as host:
        host.says(1)
        host.announce()
        assert not host.stops()
    assert len(looks) > 10


@pytest.mark.parametrize("content", [None, b"short"])
def test_without_a_control_file_nothing_is_known(tmp_path, content):
    if content is not None:
        (tmp_path / "global").mkdir()
        (tmp_path / "global/pg_control").write_bytes(content)
    assert not handover._is_shut_down(tmp_path)


def test_what_a_killed_patroni_left_is_taken_back(tmp_path):
    (tmp_path / "stopping").write_text("77\n")
    handover.forget_stop(run_folder=tmp_path)
    assert not (tmp_path / "stopping").exists()
    handover.forget_stop(run_folder=tmp_path)


class Server:
    """Stands in for Patroni's class of a PostgreSQL: says what it is asked."""

    def __init__(self, folder, pid):
        self.data_dir = str(folder)
        self.postmaster = pid and SimpleNamespace(pid=pid)
        self.config = SimpleNamespace(restore_command=lambda: None)
        self.asked = []

    def is_running(self):
        return self.postmaster

    def _do_stop(self, mode, *, checkpoint):
        self.asked.append((mode, checkpoint))
        self._before_stop()

    def _before_stop(self):
        self.asked.append("before_stop")

    def latest_checkpoint_locations(self, data=None):
        self.asked.append("locations")
        return 1, 2

    def pg_ctl(self, cmd, *args, **kwargs):
        self.asked.append((cmd, *args))
        return True


def test_patroni_has_what_is_replaced():
    # The day this fails, `handover` must be read anew.
    for name, parameters in (
        ("_do_stop", ["self", "mode"]),
        ("_before_stop", ["self"]),
        ("latest_checkpoint_locations", ["self", "data"]),
        ("pg_ctl", ["self", "cmd", "args", "kwargs"]),
        ("is_running", ["self"]),
    ):
        found = list(inspect.signature(getattr(Postgresql, name)).parameters)
        assert found[: len(parameters)] == parameters, name


@pytest.fixture
def prompt(tmp_path):
    class Prompt(Server):
        pass

    handover.stop_promptly(Prompt)
    handover.signal_promptly(Prompt, run_folder=tmp_path)
    return Prompt


@pytest.mark.parametrize(
    ("mode", "was_planned", "found"),
    [("fast", True, (None, None)), ("fast", False, (1, 2)), ("immediate", True, (1, 2))],
)
def test_a_stop_as_planned_needs_no_place_of_its_checkpoint(
    prompt, monkeypatch, mode, was_planned, found
):
    monkeypatch.setattr(handover, "stop_as_announced", lambda *_: was_planned)
    server = prompt("/", 1)
    server._do_stop(mode, checkpoint=True)
    assert server.asked == [(mode, True), "before_stop"]
    assert server.latest_checkpoint_locations({}) == (1, 2), "given data is read"
    assert server.latest_checkpoint_locations() == found
    assert server.latest_checkpoint_locations() == (1, 2), "the next stop is another one"


def test_a_stop_goes_on_if_its_files_cannot_be_read(prompt, monkeypatch, caplog):
    def refuse(*_):
        raise PermissionError("no")

    server = prompt("/", 1)
    monkeypatch.setattr(handover, "stop_as_announced", lambda *_: True)
    server._do_stop("fast", checkpoint=True)
    monkeypatch.setattr(handover, "stop_as_announced", refuse)
    server._do_stop("fast", checkpoint=True)
    assert server.asked.count("before_stop") == 2
    assert caplog.messages == ["The stop is slower than it could be: no."]
    assert server.latest_checkpoint_locations() == (1, 2), "the stop before is forgotten"


@pytest.mark.parametrize(("cmd", "sent"), [("promote", signal.SIGUSR1), ("reload", signal.SIGHUP)])
def test_an_order_is_one_signal(prompt, tmp_path, monkeypatch, cmd, sent):
    signals = []
    monkeypatch.setattr(handover.os, "kill", lambda *told: signals.append(told))
    server = prompt(tmp_path, 77)
    assert server.pg_ctl(cmd, "-W")
    assert signals == [(77, sent)]
    assert (tmp_path / "promote").exists() is (cmd == "promote")
    assert not server.asked


def test_a_promotion_asks_the_archive_first(prompt, tmp_path, monkeypatch):
    (tmp_path / "pg_wal").mkdir()
    (tmp_path / "pg_wal/00000007.history").touch()
    server = prompt(tmp_path, 77)
    server.config.restore_command = lambda: f"[ ! -e promote ] && echo %f >>{tmp_path}/asked; false"
    monkeypatch.setattr(handover.os, "kill", lambda *_: None)
    assert server.pg_ctl("promote", "-W")
    assert (tmp_path / "asked").read_text() == "00000008.history\n"


def test_what_cannot_be_sent_was_not_done(prompt, tmp_path, monkeypatch):
    def gone(*_):
        raise ProcessLookupError("gone")

    monkeypatch.setattr(handover.os, "kill", gone)
    assert not prompt(tmp_path, 77).pg_ctl("promote", "-W")


@pytest.mark.parametrize(("cmd", "pid"), [("promote", None), ("stop", 77)])
def test_all_else_is_left_to_pg_ctl(prompt, tmp_path, cmd, pid):
    server = prompt(tmp_path, pid)
    assert server.pg_ctl(cmd, "-W")
    assert server.asked == [(cmd, "-W")]
