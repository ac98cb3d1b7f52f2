import json
import shutil
import subprocess
import sys

import pytest
from rich.console import Console

from ha import topology
from ha.lab import doorway, down, faults, network, routes
from ha.lab.commands import run, within
from ha.lab.errors import CommandFailed
from ha.lab.layout import Layout, doorway_address
from ha.lab.progress import Progress
from ha.lab.waiting import until
from tests.lab.doors import ajar

pytestmark = pytest.mark.lab

# Two seconds: a host that is reached answers in milliseconds, one that is cut off never does.
REACHED_S = "2"


def is_reached(lab, *, source, target):
    return lab.is_reached(target, asked_from=source)


def wait_until_reached(lab, *, source, target):
    """Wait out that the source asks three times where the target is before it asks anew (ARP)."""
    until(
        lambda: is_reached(lab, source=source, target=target),
        what=f"{target} is reached again",
        within_s=10,
    )


# Prints the datagram that comes within a second, if one does.
HEAR = """
import socket, sys
ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
ear.bind((sys.argv[1], 7788))
ear.settimeout(1)
print("listening", flush=True)
try:
    print(ear.recv(100).decode())
except TimeoutError:
    pass
"""
SAY = """
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", (sys.argv[1], 7788))
"""


def is_heard(lab, *, source, target):
    """Test if one datagram, which nobody answers, arrives."""
    address = lab.topology.host(target).address
    hearing = within(lab.layout.namespace(target), [sys.executable, "-c", HEAR, address])
    with (
        ajar(lab, target, 7788),
        subprocess.Popen(hearing, stdout=subprocess.PIPE, text=True) as ear,
    ):
        assert ear.stdout.readline() == "listening\n"
        run(within(lab.layout.namespace(source), [sys.executable, "-c", SAY, address]))
        return ear.communicate(timeout=10)[0] == "hello\n"


@pytest.fixture
def beside(lab):
    """A second lab, of which the network exists only."""
    layout = Layout("beside")
    described = topology.rebased(topology.load(), name="beside", subnet="10.253.253.0/24")
    network.create(layout, described)
    yield layout, described
    down.sweep(layout)
    routes.unblock(described.subnet)


@pytest.fixture
def damaged():
    """Make labs of which the disk has half a state only."""
    made = []

    def damage(name):
        layout = Layout(name)
        layout.folder.mkdir(parents=True)
        (layout.folder / "state.json").write_text('{"topology": {"sub')
        made.append(layout)
        return layout

    yield damage
    for layout in made:
        shutil.rmtree(layout.folder, ignore_errors=True)


def test_the_virtual_address_answers_the_client(lab):
    info = lab.info()
    known = ["--cacert", info["authority"]]
    argv = ["curl", "-sS", *known, "-m", REACHED_S, "-w", "%{http_code}"]
    argv += [f"{info['endpoint']}/live"]
    assert run(within(info["client_namespace"], argv)).endswith("200")


def test_the_client_has_no_route_but_its_own_subnet(lab):
    found = json.loads(run(within(lab.info()["client_namespace"], ["ip", "-json", "route"])))
    assert [route["dst"] for route in found] == [lab.topology.subnet]


def test_the_client_has_no_address_of_the_other_kind(lab):
    argv = ["ip", "-json", "-6", "address", "show", "up"]
    found = json.loads(run(within(lab.info()["client_namespace"], argv)))
    assert [link for link in found if link.get("addr_info")] == []


def test_this_machine_sends_nothing_into_the_subnet(lab):
    assert "blackhole" in run(["ip", "route", "show", "exact", lab.topology.subnet])
    with pytest.raises(CommandFailed):
        run(["ip", "route", "get", lab.topology.virtual_address])


def test_this_machine_has_no_address_on_the_switch(lab):
    found = json.loads(run(["ip", "-json", "address", "show", "dev", lab.layout.bridge]))
    assert found[0]["addr_info"] == []


def test_the_doorway_lets_a_browser_in(lab):
    url = f"http://{doorway_address(lab.topology)}:{doorway.HTTP_PORT}/live"
    assert run(["curl", "-sS", "-m", REACHED_S, "-w", "%{http_code}", url]).endswith("200")


def test_two_hosts_cut_off_from_each_other_still_reach_the_others(lab):
    first, second = (host.name for host in lab.topology.with_role("app"))
    client = lab.topology.with_role("client")[0].name
    lab.cut(first, [second])
    try:
        assert faults.is_cut(lab.layout)
        assert not is_reached(lab, source=first, target=second)
        assert not is_reached(lab, source=second, target=first)
        assert is_reached(lab, source=client, target=first)
    finally:
        lab.heal()
    wait_until_reached(lab, source=first, target=second)


def test_a_host_cut_off_from_everybody_is_reached_by_nobody(lab):
    host = lab.topology.with_role("app")[-1].name
    client = lab.topology.with_role("client")[0].name
    lab.cut(host)
    try:
        assert not is_reached(lab, source=client, target=host)
    finally:
        lab.heal()
    wait_until_reached(lab, source=client, target=host)


def test_a_host_cut_off_one_way_is_not_heard_but_hears(lab):
    other, host = (app.name for app in lab.topology.with_role("app"))
    assert is_reached(lab, source=other, target=host)  # so that both know where the other is
    lab.cut(host, [other], one_way=True)
    try:
        assert is_heard(lab, source=other, target=host)
        assert not is_heard(lab, source=host, target=other)
    finally:
        lab.heal()
    assert is_heard(lab, source=host, target=other)


def test_a_second_lab_has_its_own_network(lab, beside):
    layout, described = beside
    host = described.hosts[0]
    network.plug_in(layout, described, host)
    assert host.address in network.addresses(layout, host.name)
    assert host.address not in network.addresses(lab.layout, host.name)


def test_a_subnet_of_another_lab_is_refused(lab):
    with pytest.raises(routes.SubnetInUse, match=f"the lab '{lab.layout.lab}'"):
        routes.refuse_if_in_use(Layout("beside"), lab.topology.subnet)


def test_a_lab_that_lost_its_files_is_taken_down_with_its_route(beside):
    layout, described = beside
    assert "blackhole" in run(["ip", "route", "show", "exact", described.subnet])
    down.sweep(layout)
    assert run(["ip", "route", "show", "exact", described.subnet]) == ""


def test_a_lab_whose_state_cannot_be_read_is_taken_down(beside, damaged):
    layout, described = beside
    down.down(damaged(layout.lab), Progress(Console(quiet=True)))
    assert not layout.folder.exists()
    assert not network.exists(layout.bridge)
    assert run(["ip", "route", "show", "exact", described.subnet]) == ""


def test_a_lab_whose_state_cannot_be_read_does_not_keep_others_down(damaged):
    damaged("broken")
    routes.refuse_if_in_use(Layout("beside"), "10.252.252.0/24")


def test_sweeping_leaves_nothing_of_a_killed_lab(beside):
    layout, described = beside
    host = described.hosts[0]
    network.plug_in(layout, described, host)
    argv = within(layout.namespace(host.name), ["sleep", "61"])
    with subprocess.Popen(argv) as left_behind:
        assert down.has_leftovers(layout)
        down.sweep(layout)
        assert left_behind.wait(timeout=1) == -9
    assert not down.has_leftovers(layout)
    assert not network.exists(layout.link(host.name))
