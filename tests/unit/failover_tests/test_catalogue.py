"""Every row of what is promised is a drill of its own, in a file of its own, on a screen."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from failover_tests import budgets, drills
from failover_tests.drills.catalogue import CATALOGUE, DRILLS, purpose

FOLDER = Path(drills.__file__).parent
SCREEN_LINES = 40
# name: (write stall, read stall, failovers at most, takeovers at least); a row that only says "no
# error" promises nothing else.
PROMISED = {
    "switchover": (1.0, 0.5, 1, 1),
    "postmaster-killed": (2.0, 0.5, 1, 1),
    "postmaster-frozen": (6.0, None, 1, 1),
    "postgresql-frozen": (6.0, None, 1, 1),
    "disk-full": (6.0, None, 1, 1),
    "disk-kept-full": (6.0, None, 1, 1),
    "patroni-killed": (0.5, None, 0, 0),
    "warden-killed": (0.5, None, 0, 0),
    "patroni-and-warden-killed": (0.5, None, 0, 0),
    "patroni-frozen": (6.0, None, 0, 0),
    "primary-power-off": (4.0, 1.0, 1, 1),
    "primary-power-off-after-etcd": (4.0, 1.0, 1, 1),
    "primary-cut-off": (4.0, 1.0, 1, 1),
    "primary-and-etcd-leader-power-off": (6.0, None, 1, 1),
    "primary-cut-from-etcd": (0.5, None, 0, 0),
    "primary-cut-from-replicas": (budgets.UNCONFIRMED_WRITE_STALL_S, None, 1, 0),
    "primary-cut-from-edge": (0.5, None, 0, 0),
    "primary-cut-from-apps": (budgets.UNCONFIRMED_WRITE_STALL_S, None, 0, 0),
    "replica-power-off": (None, None, 0, 0),
    "both-replicas-power-off": (None, None, 0, 0),
    "etcd-host-power-off": (0.5, None, 0, 0),
    "etcd-all-power-off": (0.5, None, 0, 0),
    "api-worker-killed": (1.0, 1.0, 0, 0),
    "app-host-power-off": (1.0, 1.0, 0, 0),
    "edge-process-killed": (1.0, 1.0, 0, 0),
    "edge-host-power-off": (1.0, 1.0, 0, 0),
    "edge-reload": (0.5, None, 0, 0),
    "api-roll": (0.5, None, 0, 0),
    "worker-reload": (0.5, None, 0, 0),
    "certificates-renewed": (0.5, None, 0, 0),
    "old-primary-isolated-with-clients": (None, None, 1, 1),
    "paused-primary-wakes-up": (None, None, 1, 1),
    "slow-network": (None, None, 0, 0),
    "flapping-link": (8.0, None, 1, 1),
    "saturated": (None, None, 0, 0),
}
# What is promised to clients, in an operator's words; a drill for each, and the control.
ROWS = (
    *PROMISED,
    "primary-power-off-in-bill-run",
    "primary-power-off-asynchronous",
    "restore",
)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_a_drill_in_a_file_of_its_name(name):
    assert name in CATALOGUE
    assert (FOLDER / f"{name.replace('-', '_')}.py").exists()


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_drill_says_what_it_is_for(name):
    assert purpose(CATALOGUE[name]).endswith(".")


@pytest.mark.parametrize("name", ROWS)
def test_a_drill_fits_on_a_screen(name):
    lines = (FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= SCREEN_LINES


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_drill_promises_what_its_row_does(drill):
    promises = drill.promises
    stall = (promises.write_stall_s, promises.read_stall_s)
    assert (*stall, promises.failovers_max, promises.takeovers_min) == PROMISED[drill.name]


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_drill_promises_how_long_the_slowest_answer_takes(drill):
    """But where clients are refused: they wait for as long as the service does."""
    promised = (drill.promises.write_stall_s, drill.promises.slowest_s)
    assert (promised == (None, None)) == drill.promises.may_refuse


def test_clients_repeat_only_where_the_edge_they_are_connected_to_is_lost():
    retrying = {drill.name for drill in DRILLS if drill.promises.is_retrying}
    assert retrying == {"edge-process-killed", "edge-host-power-off"}


def test_clients_are_refused_only_where_no_replica_is_left():
    assert {d.name for d in DRILLS if d.promises.may_refuse} == {"both-replicas-power-off"}


def test_nothing_is_acknowledged_where_no_replica_is_left_or_reached():
    unconfirmed = {drill.name for drill in DRILLS if drill.promises.is_unconfirmed}
    assert unconfirmed == {"both-replicas-power-off", "primary-cut-from-replicas"}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_drill_never_sleeps(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "sleep" not in names
