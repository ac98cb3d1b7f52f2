"""The description of the data centre is read whole or refused."""

from __future__ import annotations

from importlib import resources

import pytest

from ha import topology
from ha.topology import TopologyWrong, load, parse, rebased

SHIPPED = (resources.files("ha") / "topology.toml").read_text(encoding="utf-8")


def test_the_shipped_data_centre_has_every_role_in_the_order_of_the_file():
    found = load()
    assert [host.name for host in found.with_role("database")] == ["db1", "db2", "db3"]
    assert [host.name for host in found.with_role("dcs")] == ["dcs1", "dcs2", "dcs3"]
    assert found.host("mon1").roles == ("monitor",)
    assert (found.virtual_address, found.timings.ttl, found.ports.api) == ("10.77.0.100", 20, 8080)


def test_a_file_of_ones_own_is_read_instead(tmp_path):
    file = tmp_path / "topology.toml"
    file.write_text(SHIPPED.replace('name = "main"', 'name = "other"'), encoding="utf-8")
    assert load(file).name == "other"


def test_an_unknown_host_is_answered_with_those_that_exist():
    with pytest.raises(TopologyWrong, match=r"no host is called 'db9'; there are client, lb1"):
        load().host("db9")


@pytest.mark.parametrize(
    ("was", "becomes", "complaint"),
    [
        ("ttl = 20", "ttl =", "cannot be read"),
        ("ttl = 20", "", "missing required field `ttl`"),
        ("ttl = 20", 'ttl = "20"', r"Expected `int`, got `str` - at `\$.timings.ttl`"),
        ("ttl = 20", "ttl = 20\nttll = 30", "values nobody reads: ttll"),
        ("hall_clerk = 2_500", "hall_clark = 2_500", "missing required field `hall_clerk`"),
        ('roles = ["monitor"]', 'roles = ["monitors"]', "Invalid enum value 'monitors'"),
    ],
)
def test_a_slip_in_the_file_is_named(was, becomes, complaint):
    assert was in SHIPPED
    with pytest.raises(TopologyWrong, match=complaint):
        parse(SHIPPED.replace(was, becomes))


def test_a_second_lab_keeps_every_distance_in_its_own_subnet():
    moved = rebased(load(), name="other", subnet="10.90.3.0/24")
    assert (moved.name, moved.subnet) == ("other", "10.90.3.0/24")
    assert moved.virtual_address == "10.90.3.100"
    assert moved.host("db2").address == "10.90.3.32"
    assert moved.operators == ("10.90.3.1/32", "10.90.3.5/32")
    assert (moved.ports, moved.timings) == (load().ports, load().timings)


def test_moving_there_and_back_changes_nothing():
    there = rebased(load(), name="other", subnet="172.16.0.0/16")
    assert there.host("db1").address == "172.16.0.31"
    with pytest.raises(TopologyWrong, match="smaller"):
        rebased(there, name="main", subnet="10.77.0.0/24")
    there = rebased(load(), name="other", subnet="10.1.2.0/24")
    assert rebased(there, name="main", subnet="10.77.0.0/24") == load()


@pytest.mark.parametrize("subnet", ["10.77.0.5/24", "ten", "fd00::/64"])
def test_what_is_no_ipv4_network_is_refused(subnet):
    with pytest.raises(TopologyWrong, match="not an IPv4 network"):
        rebased(load(), name="other", subnet=subnet)


def test_the_role_names_of_hosts_and_of_the_type_are_the_same():
    roles = {role for host in load().hosts for role in host.roles}
    assert roles == set(topology.Role.__args__)
