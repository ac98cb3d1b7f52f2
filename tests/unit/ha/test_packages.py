"""What Debian gives a host: all of it known to `ansible/prepare`, each server switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from ha import packages
from ha.topology import load

ROOT = Path(__file__).parents[3]
SERVERS = {"etcd-server": "etcd", "haproxy": "haproxy", "keepalived": "keepalived",
           "nftables": "nftables", "pgbackrest": "pgbackrest", "postgresql-15": "postgresql",
           "prometheus": "prometheus"}  # fmt: skip


def listed():
    lines = (ROOT / "ansible" / "packages.txt").read_text(encoding="utf-8").splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}


@pytest.mark.parametrize("host", load().hosts, ids=lambda host: host.name)
def test_a_host_has_no_package_that_a_lab_has_not(host):
    assert set(packages.of(host)) <= listed()


def test_a_database_host_has_no_load_balancer():
    assert "postgresql-15" in packages.of(load().host("db1"))
    assert "haproxy" not in packages.of(load().host("db1"))


def test_whoever_prints_bills_has_their_characters():
    assert "fonts-noto-cjk" in packages.of(load().host("app1"))


def test_no_server_of_the_distribution_may_start():
    installed = {name for host in load().hosts for name in packages.of(host)}
    assert {f"{SERVERS[name]}.service" for name in installed & set(SERVERS)} <= set(packages.MASKED)
    assert "postgresql@.service" in packages.MASKED
