import os
import pwd
import signal
from pathlib import Path

import pytest

from ha.lab import network, processes
from ha.lab.breakable import HostOn
from ha.lab.faults import ProcessMissing
from ha.lab.hosts import HostOff
from ha.lab.waiting import until

pytestmark = pytest.mark.lab

USERS = {
    "api": "evergrid",
    "blackbox": "prometheus",
    "backups": "postgres",
    "etcd": "etcd",
    "haproxy": "haproxy",
    "keepalived": "root",
    "patroni": "postgres",
    "pgbackrest": "postgres",
    "prometheus": "prometheus",
    "worker": "evergrid",
    "warden": "postgres",
}
PROGRAMS = {
    "app": {"api", "haproxy", "worker"},
    "backup": {"backups", "pgbackrest"},
    "client": set(),
    "database": {"patroni", "pgbackrest", "warden"},
    "dcs": {"etcd"},
    "edge": {"haproxy", "keepalived"},
    "monitor": {"blackbox", "prometheus"},
}
# tini, supervisord, and keepalived with its child: it sets addresses.
ROOTS = {"tini", "python", "python3", "python3.11", "keepalived"}


def user_of(pid):
    return pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name


def pid_of(lab, host, program):
    own_pid = next(p.own_pid for p in lab.programs(host) if p.name == program)
    found = [processes.look_up(pid) for pid in lab.pids(host)]
    return next(p.pid for p in found if p and p.own_pid == own_pid)


def state_of(pid):
    process = processes.look_up(pid)
    return process and process.state


def test_every_host_runs_the_programs_of_its_roles(lab):
    for host in lab.topology.hosts:
        wanted = set().union(*(PROGRAMS[role] for role in host.roles))
        assert {program.name for program in lab.programs(host.name)} == wanted


def test_every_program_runs_as_its_own_unprivileged_user(lab):
    for host in lab.topology.hosts:
        for program in lab.programs(host.name):
            assert user_of(pid_of(lab, host.name, program.name)) == USERS[program.name]


def test_nothing_but_the_init_the_supervisor_and_keepalived_is_root(lab):
    for host in lab.topology.hosts:
        roots = [pid for pid in lab.pids(host.name) if user_of(pid) == "root"]
        names = {processes.look_up(pid).name for pid in roots}
        assert names <= ROOTS, host.name


def test_an_orphan_is_reaped_at_once(lab):
    host = lab.topology.with_role("database")[0].name
    lab.exec(host, ["sh", "-c", "exec setsid --fork sleep 61 <&- >&- 2>&-"], timeout_s=5)
    orphan = next(p for p in lab.pids(host) if processes.look_up(p).name == "sleep")
    os.kill(orphan, signal.SIGKILL)
    # supervisord alone would take up to two seconds; so would a slow init of this machine.
    until(lambda: processes.look_up(orphan) is None, what="reaped", within_s=0.5, step_s=0.001)


def test_a_killed_program_is_started_again(lab):
    host = lab.topology.with_role("app")[-1].name
    killed = lab.kill(host, "worker")
    until(
        lambda: [p.state for p in lab.programs(host) if p.name == "worker"],
        is_enough=lambda states: states == ["RUNNING"] and pid_of(lab, host, "worker") != killed,
        what="the worker runs again",
        within_s=5,
    )


def test_killing_what_does_not_run_is_refused(lab):
    with pytest.raises(ProcessMissing, match="its programs are api, haproxy, worker"):
        lab.kill(lab.topology.with_role("app")[0].name, "patroni")


def test_a_host_that_lost_its_power_has_no_process_and_no_link(lab):
    host = lab.topology.with_role("app")[-1].name
    before = lab.pids(host)
    lab.power_off(host)
    try:
        assert [pid for pid in before if state_of(pid) not in {None, "Z"}] == []
        assert lab.pids(host) == []
        assert not lab.is_up(host)
        assert not network.is_link_up(lab.layout, host)
        with pytest.raises(HostOff):
            lab.programs(host)
    finally:
        lab.power_on(host)
    assert {p.name for p in lab.programs(host)} == PROGRAMS["app"]


def test_power_on_of_a_running_host_is_refused(lab):
    with pytest.raises(HostOn):
        lab.power_on(lab.topology.hosts[0].name)


def test_a_frozen_process_stands_still_until_it_is_thawed(lab):
    host = lab.topology.with_role("app")[0].name
    worker = pid_of(lab, host, "worker")
    lab.freeze(host, "worker")
    try:
        until(lambda: state_of(worker) == "T", what="the worker is stopped", within_s=1)
        assert state_of(pid_of(lab, host, "api")) != "T"
    finally:
        lab.thaw(host, "worker")
    until(lambda: state_of(worker) != "T", what="the worker goes on", within_s=1)


def test_nothing_of_a_frozen_host_moves(lab):
    host = lab.topology.with_role("monitor")[0].name
    lab.freeze(host)
    try:
        assert {state_of(pid) for pid in lab.pids(host)} == {"T"}
    finally:
        lab.thaw(host)
    until(
        lambda: {state_of(pid) for pid in lab.pids(host)},
        is_enough=lambda states: "T" not in states,
        what="the host goes on",
        within_s=1,
    )
