"""What lies on a real host: units, firewall, folders, each accepted by the program it is for."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ha import flows, installation, ownership, programs, units
from ha.certificates import Certificates
from ha.topology import load
from tests.unit.ha.regenerate import RELEASE, SECRETS

NOBODY = Certificates(authorities=(), signed={}, keys={})
HOSTS = [host.name for host in load().hosts]


def files(host, topology=None):
    found = installation.of(topology or load(), SECRETS, NOBODY, release=RELEASE)
    return {file.path: file for file in found[host]}


def texts_of_units(host):
    return {
        Path(path).name: file.text
        for path, file in files(host).items()
        if path.startswith("/etc/systemd/")
    }


def verified(folder, found):
    """Return what systemd itself says of units, whose programs need not be here."""
    for name, text in found.items():
        (folder / name).write_text(
            re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
        )
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(folder / name for name in found)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:", "SYSTEMD_LOG_LEVEL": "warning"},
    )
    return [line for line in done.stderr.splitlines() if "evergrid" in line]


@pytest.mark.parametrize("host", HOSTS)
def test_systemd_accepts_every_unit(tmp_path, host):
    assert verified(tmp_path, texts_of_units(host)) == []


def test_systemd_is_seen_to_refuse(tmp_path):
    wrong = {"evergrid-etcd.service": "[Service]\nExecStart=/bin/true\nKillMode=gently\n"}
    assert len(verified(tmp_path, wrong)) == 1


@pytest.mark.parametrize("host", HOSTS)
def test_every_program_has_a_unit_that_the_target_starts(host):
    expected = {
        units.name(p.name) for p in programs.of(load().host(host), topology=load(), release="")
    }
    found = texts_of_units(host)
    assert {name for name in found if name.endswith(".service")} == expected | {units.FIREWALL}
    assert all("WantedBy=evergrid.target" in found[name] for name in expected)


def test_no_program_may_gain_rights_or_write_outside_its_folders():
    for host in HOSTS:
        for name, text in texts_of_units(host).items():
            if name.endswith(".service") and name != units.FIREWALL:
                assert {"NoNewPrivileges=yes", "ProtectSystem=strict"} <= set(text.splitlines())


def test_the_folders_a_program_writes_to_are_made_for_it():
    for host in load().hosts:
        made = {d.path for d in ownership.directories(host)}
        common = {"/var/lib/evergrid", "/run/evergrid"}
        for program in programs.of(host, topology=load(), release=""):
            assert set(program.writes) <= made | common, program.name


@pytest.mark.skipif(os.geteuid() != 0, reason="the kernel's check is for root only")
@pytest.mark.parametrize("host", HOSTS)
def test_the_kernel_accepts_every_firewall(host):
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed")
    text = files(host)["/etc/evergrid/nftables.conf"].text
    done = subprocess.run(
        ["unshare", "--net", "nft", "--check", "--file", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_only_the_edge_lets_everybody_in():
    open_to_all = {
        (host.name, opening.port)
        for host in load().hosts
        for opening in flows.openings(host, load())
        if opening.is_for_all
    }
    assert open_to_all == {("lb1", 80), ("lb1", 443), ("lb2", 80), ("lb2", 443)}


def test_postgresql_is_for_apps_and_its_own_kind():
    (opening,) = [o for o in flows.openings(load().host("db2"), load()) if o.port == 5432]
    assert opening.addresses == ("10.77.0.21", "10.77.0.22", "10.77.0.31", "10.77.0.33")
    line = f"ip saddr {{ {', '.join(opening.addresses)} }} tcp dport 5432 accept"
    assert line in files("db2")["/etc/evergrid/nftables.conf"].text


def test_every_port_that_is_listened_at_has_a_flow_or_is_the_hosts_own():
    known = {flow.port for flow in flows.FLOWS}
    own = {"local_primary", "local_replica", "blackbox"}
    assert set(load().ports.__slots__) - own <= known


def test_what_only_operators_may_ask_is_closed_to_every_host():
    (opening,) = [o for o in flows.openings(load().host("mon1"), load()) if o.port == 9090]
    assert opening.addresses == load().operators
    nobody = replace(load(), operators=())
    (opening,) = [o for o in flows.openings(nobody.host("mon1"), nobody) if o.port == 9090]
    assert (opening.addresses, opening.is_for_all) == ((), False)


@pytest.mark.parametrize("host", HOSTS)
def test_whoever_has_to_take_a_change_runs_there(host):
    running = {p.name for p in programs.of(load().host(host), topology=load(), release="")}
    running.add(installation.FIREWALL)
    for file in files(host).values():
        assert set(file.programs) <= running
        assert bool(file.programs) == (file.change in {"reload", "restart"})


def test_everybody_who_reads_the_services_variables_takes_a_change_of_them():
    told = files("app1")["/etc/evergrid/service.env"].programs
    of_app = programs.of(load().host("app1"), topology=load(), release="")
    assert set(told) == {p.name for p in of_app if p.is_told}


def test_the_monitor_has_its_alerts():
    found = [path for path in files("mon1") if path.startswith("/etc/evergrid/rules/")]
    assert "/etc/evergrid/rules/edge.yml" in found
    assert not [path for path in found if "_test" in path]


def test_a_release_is_named_only_where_its_program_starts_anew():
    for host in HOSTS:
        for file in files(host).values():
            if RELEASE in file.text:
                assert file.change in {"restart", "reload"}, file.path
