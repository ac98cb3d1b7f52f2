"""A second complete lab beside the first; bare is enough, and takes ten seconds."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from ha import topology
from ha.lab import down, health, releases, routes, state
from ha.lab import up as bringing_up
from ha.lab.commands import run
from ha.lab.layout import Layout
from ha.lab.progress import Progress

pytestmark = [pytest.mark.lab, pytest.mark.slow]

QUIET = Progress(Console(quiet=True))


@pytest.fixture(scope="module")
def order(running):
    """How the second lab is brought up."""
    layout = Layout("second")
    described = topology.rebased(topology.load(), name="second", subnet="10.254.254.0/24")
    yield bringing_up.Order(
        layout=layout,
        topology=described,
        release=state.load_known(running.layout).release,
        demo=None,
        is_bare=True,
        disk_gb=1,
    )
    down.down(layout, QUIET)
    assert f"/{layout.lab}/" not in run(
        ["losetup", "--list", "--noheadings", "--output", "BACK-FILE"]
    )
    assert str(layout.folder) not in run(["mount"])
    routes.unblock(described.subnet)


@pytest.fixture(scope="module")
def second(order):
    return bringing_up.up(order, QUIET)


@pytest.fixture
def newer(order):
    """The same release under another name."""
    release = Path(f"{order.release}-newer")
    release.symlink_to(order.release)
    yield str(release)
    release.unlink()


def test_two_labs_stand_side_by_side(lab, second):
    assert health.complaints(second, is_bare=True) == []
    assert health.complaints(lab) == []


def test_a_lab_may_be_given_disks_that_can_be_filled(second):
    for host in second.topology.with_role("database"):
        said = second.exec(host.name, ["df", "--output=size", "/var/lib/evergrid"], timeout_s=5)
        assert int(said.split()[1]) <= 2**20  # in KiB: a gigabyte


def test_neither_of_two_labs_is_seen_by_the_other(lab, second):
    members = [host.address for host in second.topology.with_role("database")]
    assert len(second.patroni()["members"]) == len(members)
    assert {member["host"] for member in second.patroni()["members"]} == set(members)
    assert not set(members) & {member["host"] for member in lab.patroni()["members"]}


def test_a_lab_with_a_frozen_host_is_started_anew_from_a_newer_release(order, second, newer):
    second.freeze(second.topology.with_role("database")[-1].name)
    bringing_up.up(replace(order, release=newer), QUIET)
    assert state.load_known(order.layout).release == newer
    assert health.complaints(second, is_bare=True) == []


def test_a_checkout_that_was_not_installed_is_no_release(order):
    with pytest.raises(releases.ReleaseMissing, match="ansible/prepare"):
        bringing_up.up(replace(order, release=str(Path(__file__).parent)), QUIET)
