"""What playbooks are answered: refusals in the rules' own sentences, an origin for a restore."""

from __future__ import annotations

import io
import json
from importlib import resources

import pytest

from ha import site_commands
from ha.backups.targets import NothingToRestore
from ha.topology import TopologyWrong

SHIPPED = (resources.files("ha") / "topology.toml").read_text(encoding="utf-8")
BACKUP = {
    "label": "20261124-010000F",
    "type": "full",
    "timestamp": {"start": 1764000000, "stop": 1764000100},
    "error": False,
}


class Input:
    """Standard input with these bytes."""

    def __init__(self, text):
        self.buffer = io.BytesIO(text.encode())


@pytest.fixture
def site(tmp_path):
    (tmp_path / "topology.toml").write_text(SHIPPED, encoding="utf-8")
    return tmp_path


def told(monkeypatch, *backups):
    answer = [{"name": "old", "status": {"code": 0}, "backup": list(backups)}]
    monkeypatch.setattr("sys.stdin", Input(json.dumps(answer)))


def test_a_safe_site_is_safe(site):
    site_commands.check(site, without="", caller="10.77.0.1")


def test_no_host_may_go_that_the_others_need(site):
    with pytest.raises(TopologyWrong, match="2 database hosts"):
        site_commands.check(site, without="db3", caller="")


def test_a_host_that_is_not_there_cannot_go(site):
    with pytest.raises(TopologyWrong, match="no host is called 'db9'"):
        site_commands.check(site, without="db9", caller="")


def test_nobody_is_shut_out_by_the_firewall_they_switch_on(site):
    with pytest.raises(TopologyWrong, match=r"192\.0\.2\.1 would be shut out: operators come from"):
        site_commands.check(site, without="", caller="192.0.2.1")


def test_a_restore_begins_with_a_backup_of_the_source(monkeypatch, capsys):
    told(monkeypatch, BACKUP)
    site_commands.origin("old", repository="/var/lib/evergrid/source", until="")
    assert json.loads(capsys.readouterr().out) == {
        "stanza": "old",
        "repository": "/var/lib/evergrid/source",
        "backup": "20261124-010000F",
        "until": None,
    }


def test_a_source_without_backups_is_refused(monkeypatch):
    told(monkeypatch)
    with pytest.raises(NothingToRestore):
        site_commands.origin("old", repository="/var/lib/evergrid/source", until="")
