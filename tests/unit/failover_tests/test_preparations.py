"""What a lab needs before it can be broken is undone afterwards, whatever happens."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from failover_tests.drills.catalogue import DRILLS
from failover_tests.preparations import nothing, own_disks
from ha.lab import disks


class Stage:
    def __init__(self):
        self.done = []
        self.lab = SimpleNamespace(
            layout=None,
            give_disk=lambda host: self.done.append(f"give {host}"),
            take_disk=lambda host: self.done.append(f"take {host}"),
        )

    def hosts(self, role):
        assert role == "database"
        return ("db1", "db2", "db3")

    def wait_until_healthy(self):
        self.done.append("whole")


@pytest.fixture
def stage(monkeypatch):
    monkeypatch.setattr(disks, "has_own", lambda _, host: host == "db2")
    return Stage()


def test_hosts_without_a_disk_of_their_own_are_given_one_on_a_whole_lab(stage):
    with own_disks(stage):
        assert stage.done == ["whole", "give db1", "whole", "give db3"]


def test_only_what_was_given_is_taken_away_again(stage):
    with own_disks(stage):
        stage.done.clear()
    assert stage.done == ["whole", "take db3", "whole", "take db1"]


def test_disks_are_taken_away_when_the_drill_fails(stage):
    with pytest.raises(RuntimeError, match="meanwhile"), own_disks(stage):
        raise RuntimeError("the drill failed meanwhile")
    assert stage.done[-1] == "take db1"


def test_only_the_drill_that_fills_a_disk_needs_one():
    assert [drill.name for drill in DRILLS if drill.prepares is not nothing] == ["disk-full"]
