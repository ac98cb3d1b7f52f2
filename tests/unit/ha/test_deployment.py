"""What Ansible is given: the inventory, every file with its owner, secrets nowhere else."""

from __future__ import annotations

import json
import stat
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from ha import deployment
from ha.certificates import CertificatesWrong
from ha.deployment import SiteWrong
from ha.origin import Origin
from ha.topology import load
from tests.unit.ha.regenerate import RELEASE

SHIPPED = (resources.files("ha") / "topology.toml").read_text(encoding="utf-8")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "topology.toml").write_text(SHIPPED, encoding="utf-8")
    return tmp_path


@pytest.fixture
def written(site):
    told = deployment.found(site).read_bytes()
    out = site / "out"
    deployment.write(load(), told, release=RELEASE, out=out)
    return out


def manifest(out, host):
    return json.loads((out / host / "manifest.json").read_text(encoding="utf-8"))


def test_a_folder_without_a_topology_is_no_site(tmp_path):
    with pytest.raises(SiteWrong, match=r"has no topology\.toml"):
        deployment.read(tmp_path)


def test_a_site_is_founded_once_and_for_its_owner_alone(site):
    path = deployment.found(site)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(SiteWrong, match="has passwords already"):
        deployment.found(site)
    assert path.read_bytes() == before


def test_every_host_is_in_the_groups_of_its_roles():
    found = deployment.inventory(load())
    assert found["database"]["hosts"] == ["db1", "db2", "db3"]
    lb2 = found["_meta"]["hostvars"]["lb2"]
    assert (lb2["ansible_host"], lb2["evergrid_roles"]) == ("10.77.0.12", ["edge"])
    assert {"haproxy", "keepalived"} <= set(lb2["evergrid_packages"])


def test_whoever_runs_ansible_is_no_host_of_the_site():
    found = deployment.inventory(load())
    assert found["control"]["hosts"] == ["localhost"]
    assert "localhost" not in found["evergrid"]["hosts"]


def test_who_is_no_operator_would_be_shut_out():
    assert deployment.is_operator(load(), "10.77.0.1")
    assert not deployment.is_operator(load(), "10.77.0.2")


def test_a_site_may_be_born_from_a_backup_of_another(site):
    told, out = deployment.found(site).read_bytes(), site / "out"
    origin = Origin(stanza="old", repository="/var/lib/evergrid/source", backup="1F", until=None)
    deployment.write(load(), told, release=RELEASE, out=out, origin=origin)
    assert "--stanza=old" in (out / "db1/etc/evergrid/patroni.yml").read_text(encoding="utf-8")
    assert "[old]" in (out / "backup1/etc/evergrid/source.conf").read_text(encoding="utf-8")


def test_the_commands_of_the_owner_are_told_nothing_that_a_file_of_a_host_has(site, written):
    variables = deployment.administration(load(), (site / "site.json").read_bytes())
    owner = variables["EVERGRID_OWNER_PASSWORD"]
    assert owner in variables["EVERGRID_OWNER_DSN"]
    assert not [p for p in written.rglob("*") if p.is_file() and owner in p.read_text()]


def test_every_file_is_written_with_its_owner_and_whom_it_concerns(written):
    assert stat.S_IMODE(written.stat().st_mode) == 0o700
    by_path = {file["path"]: file for file in manifest(written, "db1")["files"]}
    patroni = by_path["/etc/evergrid/patroni.yml"]
    assert (patroni["owner"], patroni["group"], patroni["mode"]) == ("root", "postgres", "0640")
    assert (patroni["programs"], patroni["change"]) == (["patroni"], "reload")
    assert "scope: main" in Path(patroni["source"]).read_text(encoding="utf-8")
    assert by_path["/etc/evergrid/host.crt.key"]["mode"] == "0640"


def test_programs_are_listed_in_the_order_in_which_they_start(written):
    assert [u["program"] for u in manifest(written, "app1")["units"]] == [
        "firewall",
        "haproxy",
        "api",
        "worker",
    ]


def test_every_program_that_answers_other_hosts_says_where_it_is_asked_if_it_serves(written):
    unasked = {
        unit["program"]
        for path in written.glob("*/manifest.json")
        for unit in json.loads(path.read_text(encoding="utf-8"))["units"]
        if not unit["health"]
    }
    assert unasked == {"blackbox", "firewall", "keepalived"}


@pytest.mark.parametrize("told", [b"", b"{}", b"$ANSIBLE_VAULT;1.1;AES256\n6162"])
def test_secrets_that_cannot_be_read_are_refused(site, told):
    with pytest.raises(SiteWrong, match="cannot be read"):
        deployment.write(load(), told, release=RELEASE, out=site / "out")


def test_the_same_secrets_give_the_same_files(site, written):
    told = (site / "site.json").read_bytes()
    deployment.write(load(), told, release=RELEASE, out=site / "again")
    for path in written.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            again = site / "again" / path.relative_to(written)
            assert path.read_bytes() == again.read_bytes()


def test_what_is_kept_can_be_read_back(site):
    kept = msgspec.json.decode(deployment.found(site).read_bytes(), type=deployment.Kept)
    assert "PRIVATE KEY" in kept.certificates.keys["db1"]
    assert kept.secrets.api_password not in repr(kept.secrets)


def test_certificates_are_replaced_and_nothing_else_of_what_is_kept(site):
    told = deployment.found(site).read_bytes()
    before = msgspec.json.decode(told, type=deployment.Kept)
    after = msgspec.json.decode(deployment.certified(load(), told, "renew"), type=deployment.Kept)
    assert msgspec.json.encode(after.secrets) == msgspec.json.encode(before.secrets)
    assert after.certificates.trusted == before.certificates.trusted
    assert not set(after.certificates.keys.values()) & set(before.certificates.keys.values())


def test_a_step_that_is_not_the_next_one_is_refused(site):
    told = deployment.found(site).read_bytes()
    for step, reason in (("succeed", "announced"), ("forget", "no step")):
        with pytest.raises(CertificatesWrong, match=reason):
            deployment.certified(load(), told, step)
