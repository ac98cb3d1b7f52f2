"""What the members of etcd say of themselves."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from failover_tests.faults import probes
from ha import certificates
from ha.lab import Lab
from ha.lab.commands import run, within
from ha.lab.errors import LabFailed

_ASK_S = 10.0


class EtcdLeaderless(LabFailed):
    """No member of etcd says that it leads."""


class _Header(msgspec.Struct):
    member_id: int


class _Status(msgspec.Struct):
    header: _Header
    leader: int = 0


class _Endpoint(msgspec.Struct):
    endpoint: str = msgspec.field(name="Endpoint")
    status: _Status = msgspec.field(name="Status")


def leader(lab: Lab) -> str:
    """
    Return the host whose member leads.

    :raises EtcdLeaderless: if none does
    """
    address = leading(_etcdctl(lab, "endpoint", "status", "--write-out=json"))
    for host in lab.topology.with_role("dcs"):
        if host.address == address:
            return host.name
    raise EtcdLeaderless(f"no member of etcd leads; last seen: {address}")


def leading(answer: str) -> str | None:
    """Return the address of the member that calls itself leader in `endpoint status`, or none."""
    for each in msgspec.json.decode(answer, type=list[_Endpoint]):
        if each.status.leader == each.status.header.member_id:
            return urlsplit(each.endpoint).hostname
    return None


def faults(lab: Lab) -> list[str]:
    """Return which members cannot commit anything, a sentence each; empty means healthy."""
    try:
        _etcdctl(lab, "endpoint", "health")
    except LabFailed as error:
        return [f"not every member of etcd is healthy: {error}"]
    return []


def _etcdctl(lab: Lab, *arguments: str) -> str:
    port = lab.topology.ports.etcd_client
    urls = ",".join(f"https://{h.address}:{port}" for h in lab.topology.with_role("dcs"))
    folder = lab.layout.operators
    proof = [
        f"--cacert={folder / certificates.AUTHORITY_FILE}",
        f"--cert={folder / certificates.CERTIFICATE_FILE}",
        f"--key={folder / certificates.KEY_FILE}",
    ]
    argv = ["etcdctl", f"--endpoints={urls}", *proof, "--command-timeout=3s", *arguments]
    return run(within(lab.layout.namespace(probes.client(lab)), argv), timeout_s=_ASK_S)
