"""A drill that loses an edge says when the address had moved: so long a request may be repeated."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from failover_tests import faults
from failover_tests.drills.edge_host_power_off import edge_host_power_off
from failover_tests.drills.edge_process_killed import edge_process_killed
from failover_tests.faults import Fault


class Stage:
    """A stage whose edge moves at 7 s."""

    lab = None

    def edge(self):
        return "edge1"

    def wait_for_edge(self, *, other_than):
        assert other_than == "edge1"
        return 7.0


class Load:
    def is_served_again(self):
        return True

    def catches_up(self):
        return True


@contextmanager
def lost(*_):
    yield Fault(what="lost", hosts=("edge1",), began_s=6.5, proof="gone")


@pytest.mark.parametrize("drill", [edge_host_power_off, edge_process_killed])
def test_a_lost_edge_is_told_with_the_moment_its_address_had_moved(monkeypatch, drill):
    monkeypatch.setattr(faults, "killed", lost)
    monkeypatch.setattr(faults, "power_off", lost)
    [fault] = drill.breaks(Stage(), Load())
    assert fault.address_moved_s == 7.0
