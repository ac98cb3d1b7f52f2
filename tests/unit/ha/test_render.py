"""Rendering: the same files every time, each one its program accepts."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from gunicorn.config import Config
from psycopg2.extensions import parse_dsn
from supervisor.options import ServerOptions

from ha import certificates, ownership, programs
from ha.render import render
from ha.topology import TopologyWrong, load, rebased
from service import settings
from tests.unit.ha.regenerate import GOLDEN, RELEASE, SECRETS, golden, installed, rendered

FILES = rendered()
# The same hosts on the loopback: what a program looks up there is there.
LOOPBACK = render(
    rebased(load(), name="loopback", subnet="127.77.0.0/24"), SECRETS, release=RELEASE
)


def check(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program's own check of its file; skip where the program is not installed."""
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


def file(folder: Path, name: str) -> Path:
    path = folder / name.replace("/", "-")
    path.write_text(LOOPBACK[name], encoding="utf-8")
    return path


def certified(folder: Path, name: str) -> Path:
    """Write a file that names certificates; they lie beside it."""
    host = name.split("/", maxsplit=1)[0]
    for file_name, text in certificates.of(CERTIFIED, host).items():
        (folder / file_name).write_text(text, encoding="ascii")
    path = file(folder, name)
    moved = re.sub(
        rf"/etc/evergrid/({'|'.join(certificates.of(CERTIFIED, host))})\b",
        rf"{folder}/\1",
        path.read_text(encoding="utf-8"),
    )
    path.write_text(moved, encoding="utf-8")
    return path


def words(text: str) -> list[str]:
    """Return what stands in `text` whatever its order: members may be listed in any."""
    return sorted(re.split(r"[\s,]+", text))


ALL = FILES | installed()
CERTIFIED = certificates.issue(load())


@pytest.mark.parametrize("name", golden(ALL))
def test_a_file_is_rendered_as_it_was_reviewed(name):
    """If the change is meant: `python -m tests.unit.ha.regenerate`, then read the difference."""
    assert ALL[name] == (GOLDEN / name).read_text(encoding="utf-8")


def test_no_golden_file_is_left_of_what_is_no_longer_rendered():
    kept = {p.relative_to(GOLDEN).as_posix() for p in GOLDEN.rglob("*") if p.is_file()}
    assert kept == set(golden(ALL))


@pytest.mark.parametrize(
    ("one", "other"), [("db1", "db2"), ("db1", "db3"), ("dcs1", "dcs3"), ("app1", "app2")]
)
def test_hosts_of_a_role_differ_by_their_own_name_and_address_only(one, other):
    exchanged = {one: other, other: one}
    exchanged |= {load().host(a).address: load().host(b).address for a, b in exchanged.items()}
    either = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in exchanged))
    for name in (name for name in FILES if name.startswith(f"{one}/")):
        theirs = FILES[name.replace(one, other)]
        again = either.sub(lambda found: exchanged[found[0]], theirs)
        assert words(again) == words(FILES[name])


def test_an_unsafe_topology_is_not_rendered():
    topology = load()
    unsafe = replace(topology, timings=replace(topology.timings, ttl=10, client=1))
    with pytest.raises(TopologyWrong, match=r"ttl is 10 s.*; client is 1 s"):
        render(unsafe, SECRETS, release=RELEASE)


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_a_password_is_readable_by_its_service_only(name):
    owned = ownership.of_file(name.split("/")[1])
    if "the-" in FILES[name]:
        assert owned.mode == 0o640
        assert owned.group in {"postgres", "evergrid"}
    else:
        assert (owned.user, owned.mode) == ("root", 0o644)


def test_the_password_of_the_owner_of_the_tables_is_in_no_file():
    for password in (SECRETS.owner_password, SECRETS.audit_password):
        assert not any(password in text for text in FILES.values())


@pytest.mark.parametrize("host", ["lb1", "app1"])
def test_haproxy_accepts_its_file(tmp_path, host):
    done = check("haproxy", "-c", "-f", certified(tmp_path, f"{host}/haproxy.cfg"))
    assert (done.returncode, done.stdout.strip()) == (0, "Configuration file is valid"), done.stderr
    assert done.stderr == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="keepalived is for root only")
def test_keepalived_accepts_its_file(tmp_path):
    """Debian's keepalived 2.2.7 ends its own check by SIGTERM when nothing is wrong."""
    cards = [name for _, name in socket.if_nameindex() if name != "lo"]
    if not cards or not _has_user("keepalived_script"):
        pytest.skip("no network card, or no user keepalived_script")
    path = file(tmp_path, "lb1/keepalived.conf")
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("interface eth0", f"interface {cards[0]}"), encoding="utf-8")
    done = check("keepalived", "--config-test", "--log-console", f"--use-file={path}")
    assert done.returncode in {0, -signal.SIGTERM}
    assert done.stdout + done.stderr == ""


def test_prometheus_accepts_its_file(tmp_path):
    done = check("promtool", "check", "config", certified(tmp_path, "mon1/prometheus.yml"))
    assert done.returncode == 0, done.stderr
    done = check("promtool", "check", "web-config", certified(tmp_path, "mon1/prometheus_web.yml"))
    assert done.returncode == 0, done.stderr


def test_patroni_complains_of_nothing_but_that_no_etcd_runs(tmp_path):
    config = file(tmp_path, "db1/patroni.yml")
    config.write_text(
        config.read_text(encoding="utf-8").replace("/var/lib/evergrid", str(tmp_path)),
        encoding="utf-8",
    )
    if not Path("/usr/lib/postgresql/15/bin/postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    done = check("/opt/evergrid/dependencies/bin/patroni", "--validate-config", config)
    complaints = (done.stdout + done.stderr).strip().splitlines()
    assert all(line.endswith(":2379 is not reachable") for line in complaints), complaints


def test_etcd_opens_the_gateway_patroni_speaks_to():
    """Without it an etcd 3.4 that reads a file answers Patroni with 404."""
    config = yaml.safe_load(FILES["dcs2/etcd.yml"])
    assert config["enable-grpc-gateway"] is True
    assert config["initial-cluster"].count("https://") == 3


def test_gunicorn_knows_every_setting_and_accepts_its_value():
    defined: dict[str, object] = {}
    exec(FILES["app1/gunicorn.conf.py"], defined)  # noqa: S102  as gunicorn itself reads it
    known = Config()
    values = {name: value for name, value in defined.items() if name in known.settings}
    assert set(defined) - set(values) == {"__builtins__", "__doc__", "gunicorn_hooks"}
    for name, value in values.items():
        known.set(name, value)


def test_the_service_reads_its_environment_through_the_shell(tmp_path):
    script = f"set -a && . {file(tmp_path, 'app1/service.env')} && set +a && exec env --null"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    environ = dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
    api, worker = settings.read_api(environ), settings.read_worker(environ)
    assert (api.host, api.deadline_s, worker.metrics_port) == ("app1", 27, 8081)
    where = parse_dsn(api.primary_dsn)
    assert (where["user"], where["password"]) == ("evergrid_api", SECRETS.api_password)
    assert "-c synchronous_commit=on" in where["options"]
    assert parse_dsn(worker.worker_dsn)["user"] == "evergrid_worker"


@pytest.mark.parametrize("host", ["app1", "backup1", "client", "db1", "dcs1", "lb1", "mon1"])
def test_the_supervisor_accepts_its_file(tmp_path, host):
    users = {
        program.user for program in programs.of(load().host(host), topology=load(), release="/")
    }
    if missing := [user for user in users if not _has_user(user)]:
        pytest.skip(f"no such users: {', '.join(missing)}")
    config = file(tmp_path, f"{host}/supervisord.conf")
    text = config.read_text(encoding="utf-8")
    for folder in ("/var/log/evergrid", "/run/evergrid"):
        text = text.replace(f"{folder}/", f"{tmp_path}/")
    config.write_text(text, encoding="utf-8")
    options = ServerOptions()
    options.realize(["--configuration", str(config)])
    found = [
        program.name for group in options.process_group_configs for program in group.process_configs
    ]
    expected = programs.of(load().host(host), topology=load(), release="/")
    assert sorted(found) == sorted(program.name for program in expected)


@pytest.mark.parametrize("host", load().hosts, ids=lambda host: host.name)
def test_every_owner_of_a_folder_is_a_user_the_host_has(host):
    for directory in ownership.directories(host):
        owned = directory.owned
        if not _has_user(owned.user):
            pytest.skip(f"no user {owned.user}")
        assert grp.getgrnam(owned.group).gr_gid == pwd.getpwnam(owned.user).pw_gid


def _has_user(name: str) -> bool:
    return name in {entry.pw_name for entry in pwd.getpwall()}
