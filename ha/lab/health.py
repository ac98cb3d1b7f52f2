"""Health: says in sentences what keeps a lab from being as it should."""

from __future__ import annotations

from collections.abc import Iterator

from ha.lab import cluster, doorway, faults, network, supervision
from ha.lab.lab import Lab
from ha.topology import Host, Role

# What a bare lab consists of: the cluster with its backups, a place to ask it from.
BARE: frozenset[Role] = frozenset({"dcs", "database", "backup", "client"})


def wanted_hosts(lab: Lab, *, is_bare: bool) -> list[Host]:
    """Return the hosts that should be on."""
    return [h for h in lab.topology.hosts if not is_bare or BARE.intersection(h.roles)]


def complaints(lab: Lab, *, is_bare: bool = False) -> list[str]:
    """Return what is not as it should be; empty if all is well."""
    found = [c for host in wanted_hosts(lab, is_bare=is_bare) for c in _of_host(lab, host)]
    if faults.is_cut(lab.layout):
        found.append("the network is cut; `evergrid-ha heal` undoes it")
    found.extend(_of_cluster(lab))
    return found if is_bare else [*found, *_of_way_in(lab)]


def _of_host(lab: Lab, host: Host) -> Iterator[str]:
    if not lab.is_up(host.name):
        yield f"{host.name} is off"
        return
    if not network.is_link_up(lab.layout, host.name):
        yield f"the cable of {host.name} is down"
    if lab.is_disk_filled(host.name):
        yield f"the disk of {host.name} was filled; `evergrid-ha free-disk {host.name}` undoes it"
    if network.is_spliced(lab.layout, host.name):
        yield f"the line of {host.name} is slow; `evergrid-ha heal` undoes it"
    try:
        programs = lab.programs(host.name)
    except supervision.SupervisorSilent as silence:
        yield f"{host.name}: {silence}"
        return
    yield from (
        f"{program.name} on {host.name} is {program.state}"
        for program in programs
        if program.state != "RUNNING"
    )


def _of_cluster(lab: Lab) -> Iterator[str]:
    try:
        answer = lab.patroni()
    except cluster.ClusterSilent as silence:
        yield str(silence)
        return
    if not cluster.is_whole(answer, hosts=len(lab.topology.with_role("database"))):
        seen = ", ".join(f"{m.name} {m.role} {m.state}" for m in cluster.members(answer))
        yield f"the cluster is not whole: {seen or 'no members'}"


def _of_way_in(lab: Lab) -> Iterator[str]:
    holders = lab.holders_of_virtual_address()
    if len(holders) != 1:
        yield f"the virtual address is held by {' and '.join(holders) or 'nobody'}"
    if not doorway.is_open(lab.layout):
        yield "the doorway is closed"
