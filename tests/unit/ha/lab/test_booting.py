"""A host that boots is not gone for being between two programs; one that is gone says so."""

from __future__ import annotations

import pytest

from ha.lab import hosts
from ha.lab.errors import LabFailed
from ha.lab.hosts import wait_until_booted
from ha.lab.layout import Layout
from ha.topology import load

HOST = load().host("lb1")


@pytest.fixture
def boots(monkeypatch, tmp_path):
    """Boot a host whose first process is seen as told, look by look, then no more."""

    def booted(*seen):
        looks = list(seen)
        monkeypatch.setattr(hosts.processes, "init_of", lambda *_: looks.pop(0) if looks else None)
        monkeypatch.setattr(hosts.supervision, "answers", lambda pid: pid == 8)
        monkeypatch.setattr(hosts, "_GONE_EVERY_S", 0.0)
        monkeypatch.setattr(hosts.logs, "telling_line", lambda _: "the last line")
        wait_until_booted(Layout("test"), HOST)

    return booted


def test_a_process_between_two_programs_is_waited_for(boots):
    boots(7, None, None, 7, 8)


def test_a_host_that_is_gone_for_good_is_told_with_its_last_line(boots):
    with pytest.raises(LabFailed, match="lb1 went off while it booted") as failed:
        boots(7, 7)
    assert failed.value.log_line == "the last line"
