import os

import pytest

from ha.lab import cluster, disks, health
from ha.lab.commands import run
from ha.lab.errors import CommandFailed
from ha.lab.waiting import until

pytestmark = pytest.mark.lab

# As postgres: not a byte more into a file that exists.
WRITE = "echo more | dd of=/var/lib/evergrid/postgresql/probe oflag=append conv=notrunc status=none"


@pytest.fixture(scope="module")
def host(running, settle):
    """A replica with a disk of its own of one gigabyte."""
    members = cluster.members(running.patroni())
    name = next(member.name for member in members if member.role != "leader")
    running.give_disk(name, size_gb=1)
    settle()
    yield name
    running.take_disk(name)
    settle()
    assert devices(running, name) == []
    # Its data came back with it: Patroni did not have to clone them.
    assert "basebackup" not in run(
        ["tail", "-n", "40", str(running.layout.log_folder(name) / "patroni.log")]
    )


def as_postgres(lab, host, command):
    return lab.exec(host, ["runuser", "-u", "postgres", "--", "sh", "-c", command], timeout_s=20)


def devices(lab, host):
    image = str(disks.image(lab.layout, host))
    return run(["losetup", "--noheadings", "--output", "NAME", "--associated", image]).split()


def test_a_host_keeps_its_data_when_it_gets_a_disk_of_its_own(lab, host):
    said = lab.exec(host, ["df", "--output=fstype,size", "/var/lib/evergrid"], timeout_s=5)
    kind, size_kb = said.splitlines()[1].split()
    assert kind == "ext4"
    assert 0.9 * 2**20 < int(size_kb) <= 2**20
    accounts = lab.query("SELECT count(*) AS n FROM evergrid.account", host)
    assert accounts == lab.query("SELECT count(*) AS n FROM evergrid.account")


def test_nobody_can_write_a_byte_more_onto_a_full_disk_until_it_is_freed(lab, host):
    as_postgres(lab, host, WRITE)
    lab.fill_disk(host)
    try:
        with pytest.raises(CommandFailed, match="No space left on device"):
            as_postgres(lab, host, f"head -c 10000 /dev/zero | {WRITE.split('|')[1]}")
        with pytest.raises(CommandFailed, match="No space left on device"):
            lab.exec(
                host,
                ["dd", "if=/dev/zero", "of=/var/lib/evergrid/x", "count=1", "status=none"],
                timeout_s=5,
            )
        assert os.statvfs(lab.layout.folder).f_bavail > 0
        complaints = [f"the disk of {host} was filled; `evergrid-ha free-disk {host}` undoes it"]
        assert set(complaints) <= set(health.complaints(lab))
    finally:
        lab.free_disk(host)
    as_postgres(lab, host, WRITE)


def test_a_power_cut_leaves_no_mount_and_what_was_written_is_there_again(lab, host):
    as_postgres(lab, host, "echo kept > /var/lib/evergrid/postgresql/probe; sync")
    lab.power_off(host)
    until(lambda: devices(lab, host), is_enough=lambda d: not d, what="detached", within_s=20)
    assert str(lab.layout.folder) not in run(["mount"])
    lab.power_on(host)
    assert len(devices(lab, host)) == 1
    assert as_postgres(lab, host, "cat /var/lib/evergrid/postgresql/probe") == "kept\n"


def test_a_second_disk_is_refused(lab, host):
    with pytest.raises(disks.OwnDisk):
        lab.give_disk(host)


def test_the_disk_of_this_machine_is_not_filled(lab, host):
    other = next(h.name for h in lab.topology.with_role("database") if h.name != host)
    with pytest.raises(disks.NoOwnDisk, match=f"`evergrid-ha give-disk {other}`"):
        lab.fill_disk(other)
    with pytest.raises(disks.NoOwnDisk):
        lab.take_disk(other)
