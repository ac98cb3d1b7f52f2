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
        self.own = {"db2"}
        self.lab = SimpleNamespace(layout=None, give_disk=self.give_disk, take_disk=self.take_disk)

    def give_disk(self, host):
        self.done.append(f"give {host}")
        self.own.add(host)

    def take_disk(self, host):
        self.done.append(f"take {host}")
        self.own.remove(host)

    def hosts(self, role):
        assert role == "database"
        return ("db1", "db2", "db3")

    def wait_until_healthy(self):
        self.done.append("whole")


@pytest.fixture
def stage(monkeypatch):
    stage = Stage()
    monkeypatch.setattr(disks, "has_own", lambda _, host: host in stage.own)
    return stage


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


def test_only_the_drills_that_fill_a_disk_need_one():
    prepared = [drill.name for drill in DRILLS if drill.prepares is not nothing]
    assert prepared == ["disk-full", "disk-kept-full"]


def test_an_interrupted_gift_is_taken_back_if_it_came_that_far(stage):
    def interrupted(host):
        if host == "db3":
            stage.own.add(host)
            raise KeyboardInterrupt
        stage.give_disk(host)

    stage.lab.give_disk = interrupted
    with pytest.raises(KeyboardInterrupt), own_disks(stage):
        raise AssertionError("nothing is broken then")
    assert stage.own == {"db2"}


def test_a_gift_that_did_not_come_is_not_taken_back(stage):
    def interrupted(_):
        raise KeyboardInterrupt

    stage.lab.give_disk = interrupted
    with pytest.raises(KeyboardInterrupt), own_disks(stage):
        raise AssertionError("nothing is broken then")
    assert stage.own == {"db2"}
