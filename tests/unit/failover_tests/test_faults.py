"""A fault proves that it took effect, or ends the drill; whatever happens, it is cured."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from failover_tests import budgets, faults
from failover_tests.faults import operations, processors
from ha import topology
from ha.lab import processes
from ha.lab.errors import FaultWithoutEffect, LabFailed
from ha.lab.waiting import NotInTime, until

BROKEN = RuntimeError("the drill failed meanwhile")


class Lab:
    """A lab of which a test says what works; it keeps a list of what it was told to do."""

    def __init__(self, *, has_effect=True):
        self.topology = topology.load()
        self.has_effect = has_effect
        self.done = []
        self.off = set()
        self.cuts = set()
        self.is_full = self.is_slow = False
        self.leader = "db1"
        # A program of app1, what it started; something that has nothing to do with it.
        self.processes = {11: 1, 12: 11, 21: 1}

    def programs(self, host):
        return [SimpleNamespace(name="api", own_pid=11), SimpleNamespace(name="worker", own_pid=0)]

    def exec(self, host, argv, *, timeout_s, check=True, input=None):  # noqa: A002
        script = " ".join(argv)
        if "/dev/tcp/" in script:
            return self._probed(host, script)
        if argv[0] == "curl":
            return "0.41" if self.is_slow else "0.002"
        assert "head -c" in script
        return "" if self.is_full else "written"

    def _probed(self, host, script):
        address = re.search(r"/dev/tcp/([\d.]+)/", script)[1]
        asked = next(h.name for h in self.topology.hosts if h.address == address)
        return "open" if self.is_reached(asked, asked_from=host) else ""

    def is_reached(self, host, *, asked_from):
        return frozenset((asked_from, host)) not in self.cuts and host not in self.off

    def _do(self, what):
        self.done.append(what)
        return self.has_effect

    def power_off(self, host):
        if self._do(f"power off {host}"):
            self.off.add(host)

    def power_on(self, host):
        self._do(f"power on {host}")
        self.off.discard(host)

    def is_up(self, host):
        return host not in self.off

    def pids(self, host):
        return [] if host in self.off else sorted(self.processes)

    def cut(self, host, others=()):
        peers = others or [h.name for h in self.topology.hosts if h.name != host]
        if self._do(f"cut {host}"):
            self.cuts |= {frozenset((host, other)) for other in peers}

    def heal(self):
        self._do("heal")
        self.cuts, self.is_slow = set(), False

    def slow(self, host, *, latency_s, loss):
        self.is_slow = self._do(f"slow {host} {latency_s} {loss}")

    def flap(self, host, times, *, down_s, up_s):
        self._do(f"flap {host} {times} {down_s} {up_s}")

    def fill_disk(self, host):
        self.is_full = self._do(f"fill {host}")

    def free_disk(self, host):
        self._do(f"free {host}")
        self.is_full = False

    def reload(self, host, program):
        if self._do(f"reload {program} on {host}"):
            self.processes = {11: 1, 13: 11, 21: 1}

    def switchover(self):
        if self._do("switchover"):
            self.leader = "db2"

    def primary(self):
        return self.leader


# What a drill does -> what cures it.
FAULTS = {
    "power off": (lambda lab: faults.power_off(lab, "db1"), "power on db1"),
    "cut off from all": (lambda lab: faults.cut_off(lab, "db1"), "heal"),
    "cut off from some": (lambda lab: faults.cut_off(lab, "db1", ("db2", "dcs1")), "heal"),
    "slow": (lambda lab: faults.slow(lab, "db1", latency_s=0.2, loss=0.05), "heal"),
    "full": (lambda lab: faults.full(lab, "db1"), "free db1"),
    "kept full": (lambda lab: faults.kept_full(lab, "db1"), "free db1"),
    "reloaded": (lambda lab: faults.reloaded(lab, "app1", "api"), None),
    "switched over": (lambda lab: faults.switched_over(lab, from_host="db1"), None),
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(budgets, "FAULT_PROVEN_S", 0.3)


@pytest.fixture(autouse=True)
def _numbered(monkeypatch):
    """The kernel knows the processes of a test's lab; those of this machine otherwise."""
    parents = {11: 1, 12: 11, 13: 11, 21: 1, 22: 1}
    look_up = processes.look_up

    def known(pid):
        if pid not in parents:
            return look_up(pid)
        return processes.Process(pid, parents[pid], pid, 2, "python", "S")

    monkeypatch.setattr(processes, "look_up", known)


@pytest.fixture(params=FAULTS)
def named(request):
    return FAULTS[request.param]


def test_a_fault_says_what_it_did_with_its_proof(named):
    lab = Lab()
    with named[0](lab) as fault:
        assert fault.what
        assert fault.proof
        assert set(fault.hosts) <= {host.name for host in lab.topology.hosts}


def test_a_fault_without_effect_ends_the_drill(named):
    with pytest.raises(NotInTime), named[0](Lab(has_effect=False)):
        pytest.fail("the drill went on as if something were broken")


def test_a_fault_is_cured_on_leaving(named):
    lab = Lab()
    with named[0](lab):
        pass
    assert named[1] in (None, lab.done[-1])
    assert (lab.off, lab.cuts, lab.is_full, lab.is_slow) == (set(), set(), False, False)


def test_a_fault_is_cured_when_the_drill_fails_meanwhile(named):
    lab = Lab()
    with pytest.raises(RuntimeError, match="meanwhile"), named[0](lab):
        raise BROKEN
    assert named[1] in (None, lab.done[-1])


def test_a_fault_without_effect_is_cured_too(named):
    lab = Lab(has_effect=False)
    with pytest.raises(NotInTime), named[0](lab):
        pass
    if named[1] != "power on db1":  # it never went off
        assert named[1] in (None, lab.done[-1])


def test_the_silence_of_a_host_that_never_answered_proves_nothing():
    lab = Lab()
    lab.off.add("db2")
    with pytest.raises(NotInTime, match="to answer client before"), faults.power_off(lab, "db2"):
        pytest.fail("the drill went on")
    assert "power off db2" not in lab.done


def test_a_cut_of_what_was_cut_already_proves_nothing():
    lab = Lab()
    lab.cuts.add(frozenset(("db1", "db2")))
    with pytest.raises(NotInTime, match="before"), faults.cut_off(lab, "db1", ("db2",)):
        pytest.fail("the drill went on")


def test_hosts_are_powered_off_together_powered_on_each():
    lab = Lab()
    with faults.power_off(lab, "dcs1", "db1") as fault:
        assert lab.off == {"dcs1", "db1"}
    assert fault.where == "dcs1 and db1"
    assert lab.off == set()


def test_one_host_that_does_not_boot_does_not_keep_the_other_off():
    lab = Lab()

    def fails_for_one(host):
        if host == "dcs1":
            raise LabFailed("dcs1 does not boot")
        lab.off.discard(host)

    lab.power_on = fails_for_one
    with pytest.raises(LabFailed, match="does not boot"), faults.power_off(lab, "dcs1", "db1"):
        pass
    assert lab.off == {"dcs1"}


def test_what_is_freed_on_a_disk_that_is_kept_full_is_taken():
    lab = Lab()
    with faults.kept_full(lab, "db1"):
        filled = lab.done.count("fill db1")
        until(lambda: lab.done.count("fill db1") > filled + 1, what="more to be taken", within_s=5)


def test_what_cannot_be_taken_any_more_ends_the_drill():
    lab, is_tried = Lab(), threading.Event()

    def fails(_):
        is_tried.set()
        raise FaultWithoutEffect("something stays free")

    def broken():
        with faults.kept_full(lab, "db1"):
            lab.fill_disk = fails
            assert is_tried.wait(5)

    with pytest.raises(FaultWithoutEffect):
        broken()
    assert lab.done[-1] == "free db1"


def test_a_link_that_was_never_seen_down_did_not_flap():
    lab = Lab()
    with (
        pytest.raises(NotInTime, match="outages"),
        faults.flapping(lab, "db1", downs_s=(0.1, 0.2), up_s=0.1),
    ):
        pytest.fail("the drill went on")
    assert lab.done == ["flap db1 1 0.1 0.1", "flap db1 1 0.2 0.1", "heal"]


def test_every_outage_of_a_flapping_link_is_counted():
    lab = Lab()
    looks = [True, True, False, False, True, False, True, True]
    begun = threading.Event()

    def probed(*_):
        begun.set()
        return "open" if not looks or looks.pop(0) else ""

    def flap(*_, **__):
        while looks:
            begun.wait(0.01)

    lab._probed, lab.flap = probed, flap
    with faults.flapping(lab, "db1", downs_s=(0.1, 0.1), up_s=0.1) as fault:
        assert "2 times" in fault.proof


@pytest.fixture
def victim():
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


class OneProcess(Lab):
    """A lab whose one process is a real one."""

    def __init__(self, pid, **changed):
        super().__init__(**changed)
        self.pid = pid

    def pids(self, host):
        return [self.pid]

    def kill(self, host, name, number=signal.SIGKILL):
        if self._do(f"{number.name} {name}"):
            os.kill(self.pid, number)
        return self.pid

    def freeze(self, host, name=None):
        self.kill(host, name, signal.SIGSTOP)

    def thaw(self, host):
        self.kill(host, "everything", signal.SIGCONT)


def state(process):
    return processes.look_up(process.pid).state


def test_a_killed_process_is_gone(victim):
    with faults.killed(OneProcess(victim.pid), "db1", "postgres") as fault:
        assert not processes.is_running(victim.pid)
    assert str(victim.pid) in fault.proof


def test_a_process_that_survives_was_not_killed(victim):
    lab = OneProcess(victim.pid, has_effect=False)
    with pytest.raises(NotInTime, match="gone"), faults.killed(lab, "db1", "postgres"):
        pytest.fail("the drill went on")


@pytest.mark.parametrize("fault", [faults.stopped, faults.frozen])
def test_a_stopped_process_stands_still_until_it_is_let_go(victim, fault):
    with fault(OneProcess(victim.pid), "db1", "patroni"):
        assert state(victim) == "T"
    assert state(victim) != "T"


@pytest.mark.parametrize("fault", [faults.stopped, faults.frozen])
def test_a_process_that_runs_on_was_not_stopped(victim, fault):
    lab = OneProcess(victim.pid, has_effect=False)
    with pytest.raises(NotInTime, match="stand still"), fault(lab, "db1", "patroni"):
        pytest.fail("the drill went on")


def test_a_process_that_is_ended_as_it_stands_still_is_not_called_stopped(victim):
    class Ended(OneProcess):
        """A lab in which somebody ends at once what stands still."""

        def kill(self, host, name, number=signal.SIGKILL):
            victim.kill()
            victim.wait()
            return self.pid

        def thaw(self, host):
            pass

    with faults.stopped(Ended(victim.pid), "db1", "postgres") as fault:
        assert fault.proof == f"process {victim.pid} was ended as soon as it was stopped"


def test_processors_with_time_left_are_not_saturated(monkeypatch):
    monkeypatch.setattr(processors, "_idle_share", lambda: 0.5)
    with (
        pytest.raises(NotInTime, match="idle share"),
        faults.saturated(("db1",), at_most_s=1),
    ):
        pytest.fail("the drill went on")


def test_processors_without_time_left_are_saturated(monkeypatch):
    monkeypatch.setattr(processors, "_idle_share", lambda: 0.01)
    with faults.saturated(("db1",), at_most_s=1) as fault:
        assert "1.0%" in fault.proof


def test_a_process_of_something_else_is_no_reload():
    lab = Lab()
    lab.reload = lambda *_: lab.processes.update({22: 1})
    with pytest.raises(NotInTime, match="new process of api"), faults.reloaded(lab, "app1", "api"):
        pytest.fail("the drill went on")


OLD = Path(sys.prefix).resolve()
NEW = OLD.with_name(f"{OLD.name}-again")


class Rolled(Lab):
    """A lab whose app hosts run their programs from what they were told, or should have been."""

    def __init__(self, *, roll, **changed):
        super().__init__(**changed)
        self.commands = dict.fromkeys(self.processes, f"{OLD}/bin/python")
        self._roll = roll

    def programs(self, host):
        return [SimpleNamespace(name="api", own_pid=11), SimpleNamespace(name="worker", own_pid=21)]

    def roll(self, release):
        self.done.append(f"roll {release}")
        self._roll(self.commands, release)


def _all(commands, release):
    """A console script names the interpreter it was installed with, the worker's does."""
    commands.update(dict.fromkeys(commands, f"{release}/bin/python"))
    commands[21] = f"{OLD}/bin/python {release}/bin/evergrid-service worker"


def _worker_alone(commands, release):
    commands[21] = f"{OLD}/bin/python {release}/bin/evergrid-service worker"


def _never_back(commands, release):
    if release == str(NEW):
        _all(commands, release)


@contextmanager
def rolled(monkeypatch, roll):
    lab = Rolled(roll=roll)
    monkeypatch.setattr(operations, "_command", lab.commands.get)
    monkeypatch.setattr(Path, "symlink_to", lambda *_: None)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    with faults.rolled(lab) as fault:
        yield lab, fault


def test_a_roll_is_proven_by_every_process_there_and_back(monkeypatch):
    with rolled(monkeypatch, _all) as (lab, fault):
        assert "worker and api" in fault.proof
        assert all(f"{NEW}/bin/" in command for command in lab.commands.values())
    assert lab.done == [f"roll {NEW}", f"roll {OLD}"]


def test_one_program_that_takes_the_new_release_is_no_roll(monkeypatch):
    with pytest.raises(NotInTime, match="api on app1"), rolled(monkeypatch, _worker_alone):
        pytest.fail("the drill went on")


def test_a_roll_that_does_not_come_back_fails_the_drill(monkeypatch):
    with pytest.raises(NotInTime, match="worker on app1"), rolled(monkeypatch, _never_back):
        pass


@pytest.fixture
def release(tmp_path, monkeypatch):
    """The release that runs, in a folder of the test's own."""
    release = tmp_path / "release"
    release.mkdir()
    monkeypatch.setattr(sys, "prefix", str(release))
    return release


@pytest.fixture
def rolling(release, monkeypatch):
    """A lab that refuses every roll back to the release that runs."""

    def refuse(commands, to):
        if to == str(release):
            raise LabFailed("app1 does not roll")
        commands.update(dict.fromkeys(commands, f"{to}/bin/python"))

    lab = Rolled(roll=refuse)
    monkeypatch.setattr(operations, "_command", lab.commands.get)
    return lab


def test_a_roll_back_that_is_refused_leaves_what_hosts_start_from(rolling, release):
    """Without it every start of a program fails, and whoever drills next finds no lab."""
    with pytest.raises(LabFailed, match="does not roll"), faults.rolled(rolling):
        pass
    assert release.with_name("release-again").resolve() == release


def test_a_roll_back_leaves_no_release_behind(release, monkeypatch):
    lab = Rolled(roll=_all)
    monkeypatch.setattr(operations, "_command", lab.commands.get)
    with faults.rolled(lab):
        pass
    assert list(release.parent.iterdir()) == [release]


def test_a_release_that_was_left_behind_is_no_obstacle_to_a_roll(rolling, release):
    release.with_name("release-again").symlink_to(release)
    with pytest.raises(LabFailed, match="does not roll"), faults.rolled(rolling) as fault:
        assert fault.proof.endswith("from release-again")


def test_a_fault_that_keeps_replicas_from_confirming_says_until_when():
    with faults.cut_off(Lab(), "db1", ("db2", "db3")) as fault:
        unconfirmed = fault.unconfirmed_until_now()
    assert fault.unconfirmed_until_s is None
    assert fault.began_s <= fault.proven_s <= unconfirmed.unconfirmed_until_s
