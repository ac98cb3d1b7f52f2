"""What a fleet writes down before it boots anything."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ha import deployment, rules
from ha.fleet import layout as layouts
from ha.fleet import machines, network, site
from ha.fleet.layout import FleetFailed, Layout
from ha.topology import load, parse

SUBNET = "10.80.0.0/24"


def fleet(name="main"):
    return site.described(load(), name=name, subnet=SUBNET)


@pytest.fixture
def layout(tmp_path, monkeypatch):
    monkeypatch.setattr(layouts, "ROOT", tmp_path)
    return Layout("main")


def test_a_fleet_is_the_shipped_data_centre_without_its_clients():
    found = fleet()
    assert len(found.hosts) == 12
    assert found.host("db1").address == "10.80.0.31"
    assert found.operators == ("10.80.0.1/32",)
    assert rules.broken(found) == []


def test_a_topology_that_was_written_reads_the_same():
    assert parse(site.toml(fleet())) == fleet()


def test_a_principal_of_two_words_survives_being_written():
    limits = replace(fleet().limits, principals={"demo channel": 5})
    changed = replace(fleet(), limits=limits)
    assert parse(site.toml(changed)) == changed


@pytest.mark.parametrize("name", ["", "Main", "a-b", "x" * 12, "base.image"])
def test_a_name_that_would_not_fit_is_refused(name):
    with pytest.raises(FleetFailed, match="is no name for a fleet"):
        Layout(name)


def test_names_in_the_kernel_fit_into_fifteen_characters():
    assert len(Layout("x" * 11).bridge) == 15


def test_the_site_opens_with_its_own_key_and_trusts_no_other_host(layout):
    site.write(layout, fleet())
    told = json.loads((layout.site / "group_vars" / "all.yml").read_text())
    assert told["ansible_ssh_private_key_file"] == str(layout.key)
    assert "StrictHostKeyChecking=yes" in told["ansible_ssh_common_args"]
    assert layout.folder.stat().st_mode & 0o777 == 0o700
    assert deployment.read(layout.site) == fleet()


def test_writing_it_again_keeps_its_secrets(layout):
    site.write(layout, fleet())
    before = (layout.site / "site.json").read_bytes(), layout.key.read_bytes()
    site.write(layout, fleet())
    assert ((layout.site / "site.json").read_bytes(), layout.key.read_bytes()) == before


def test_a_bare_machine_knows_its_address_and_its_operator(layout):
    site.write(layout, fleet())
    files = machines.files(layout, fleet(), fleet().host("dcs1"))
    assert "127.0.0.1 localhost\n" in files["etc/hosts"]
    assert "Address=10.80.0.41/24\n" in files["etc/systemd/network/10-fleet.network"]
    assert "Gateway=10.80.0.1\n" in files["etc/systemd/network/10-fleet.network"]
    assert files["root/.ssh/authorized_keys"].startswith("ssh-ed25519 ")


def test_only_what_leaves_the_switch_hides_behind_this_computer():
    text = network.rules(Layout("main"), fleet())
    assert 'ip saddr 10.80.0.0/24 oifname != "efb-main" masquerade' in text
