import stat
from pathlib import Path

import pytest

from ha.certificates import files, issue
from ha.lab.waiting import until

pytestmark = pytest.mark.lab

# A push takes a tenth of a second; the whole of it, with a busy machine's patience.
ARCHIVED_S = 30
# The first backup of a fresh lab; a lost host found out about, a replica cloned.
SLOW_S = 180
CONFIGURATION = "--config=/etc/evergrid/pgbackrest.conf"
DATA = "/var/lib/evergrid/postgresql/data"


def pgbackrest(lab, host, *arguments):
    argv = ["runuser", "-u", "postgres", "--", "pgbackrest", CONFIGURATION, *arguments]
    return lab.exec(host, argv, timeout_s=30, check=False)


def archived(lab):
    return pgbackrest(lab, "backup1", "repo-ls", "archive", "--recurse")


def wait_for_segment(lab, segment):
    until(
        lambda: archived(lab),
        is_enough=lambda names: f"/{segment}-" in names,
        what=f"{segment} in the repository",
        within_s=ARCHIVED_S,
    )


def write_segment(lab):
    """Have the primary write something, then begin a new segment; return the one it ended."""
    lab.query("SELECT pg_logical_emit_message(true, 'test', 'x')::text AS lsn")
    return lab.query("SELECT pg_walfile_name(pg_switch_wal()) AS name")[0]["name"]


def replica(lab):
    hosts = [host.name for host in lab.topology.with_role("database")]
    return next(host for host in hosts if host != lab.primary())


@pytest.fixture(scope="module", autouse=True)
def _first_backup(running):
    until(
        lambda: pgbackrest(running, "backup1", "info"),
        is_enough=lambda printed: "full backup" in printed,
        what="the first full backup",
        within_s=SLOW_S,
        step_s=1,
    )


def test_what_the_primary_writes_reaches_the_repository(lab):
    wait_for_segment(lab, write_segment(lab))


def test_nobody_but_its_own_user_reads_a_key_or_the_repository(lab):
    for host in ("backup1", "db1"):
        key = lab.layout.host_folder(host) / "etc" / "host.crt.key"
        assert stat.S_IMODE(key.stat().st_mode) == 0o640
        assert (key.owner(), key.group()) == ("root", "evergrid-keys")
    repository = lab.layout.host_folder("backup1") / "data" / "pgbackrest"
    assert stat.S_IMODE(repository.stat().st_mode) == 0o700
    assert stat.S_IMODE((lab.layout.folder / "certificates.json").stat().st_mode) == 0o600


def test_a_stranger_is_not_let_in_under_a_name_that_is_known(lab, tmp_path):
    stranger = files(issue(lab.topology), lab.topology)
    for part in ("host.crt", "host.crt.key"):
        (tmp_path / part).write_text(stranger[f"db1/{part}"])
        (tmp_path / part).chmod(0o600)
    trusted = lab.layout.host_folder("backup1") / "etc" / "authority.crt"
    presented = [f"--repo1-host-cert-file={tmp_path}/host.crt",
                 f"--repo1-host-key-file={tmp_path}/host.crt.key"]  # fmt: skip
    said = lab.exec(
        "db2",  # one of those whom the repository's firewall lets ask at all
        [
            "pgbackrest", "--no-config", f"--stanza={lab.topology.name}",
            f"--repo1-host={lab.topology.host('backup1').address}", "--repo1-host-type=tls",
            f"--repo1-host-port={lab.topology.ports.pgbackrest}", "--io-timeout=5",
            "--repo1-host-config=/etc/evergrid/pgbackrest.conf",
            f"--repo1-host-ca-file={trusted}", *presented, "--log-level-console=error",
            "--log-level-stderr=off", "repo-ls",
        ],
        timeout_s=30,
        check=False,
    )  # fmt: skip
    assert "unknown ca" in said
    assert "archive" not in said


@pytest.mark.slow
def test_a_replica_without_its_data_comes_back_from_the_repository(lab):
    host = replica(lab)
    log = Path(lab.layout.log_folder(host), "patroni.log")
    before = log.read_text().count("created using pgbackrest")
    lab.freeze(host, "patroni")
    lab.kill(host, "postgres")
    lab.exec(host, ["rm", "-rf", DATA], timeout_s=10)
    lab.thaw(host, "patroni")
    until(
        lambda: log.read_text().count("created using pgbackrest"),
        is_enough=lambda count: count == before + 1,
        what=f"{host} is cloned from the repository",
        within_s=SLOW_S,
    )


@pytest.mark.slow
def test_what_a_lost_primary_had_not_archived_its_successor_archives(lab):
    lost = lab.primary()
    lab.freeze("backup1", "pgbackrest")
    try:
        segments = [write_segment(lab) for _ in range(3)]
        lab.power_off(lost)
    finally:
        lab.thaw("backup1", "pgbackrest")
    try:
        until(
            lab.primary,
            is_enough=lambda primary: primary not in {None, lost},
            what="another primary",
            within_s=SLOW_S,
        )
        for segment in segments:
            wait_for_segment(lab, segment)
    finally:
        lab.power_on(lost)
