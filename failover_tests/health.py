"""Health of a lab: what keeps it from being as it was before anything was broken."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from failover_tests import etcd
from failover_tests.faults import probes
from ha.lab import Lab
from ha.lab import health as lab_health
from ha.lab.cluster import ClusterSilent, Member, members
from ha.lab.operators import AS_HOST

# The service's own check of its dependencies takes milliseconds; a backlog takes longer.
_READY_S = 2.0


def complaints(lab: Lab) -> list[str]:
    """Return everything that is not as it should be, a sentence each; empty means whole."""
    expected = [host.name for host in lab.topology.with_role("database")]
    try:
        found = faults(members(lab.patroni()), expected=expected)
    except ClusterSilent as silence:
        found = [str(silence)]
    # The dear looks only when the cheap one finds nothing.
    return found or lab_health.complaints(lab) or etcd.faults(lab) or _service(lab)


def _service(lab: Lab) -> list[str]:
    """Return what a client hears who asks the service whether it is ready, unless it is."""
    status = ["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]
    url = f"{lab.info()['endpoint']}/ready"
    curl = ["curl", *AS_HOST, *status, "--max-time", f"{_READY_S:g}", url]
    answer = lab.exec(probes.client(lab), curl, timeout_s=2 * _READY_S, check=False)
    return (
        [] if answer == "200" else [f"the service does not say in {_READY_S:g} s that it is ready"]
    )


def faults(named: Sequence[Member], *, expected: Collection[str]) -> list[str]:
    """
    Return what keeps the cluster from being whole, a sentence each; empty means healthy.

    Whole: every expected host is a member, one leads and runs, the others stream on the leader's
    timeline, all as quorum standbys: whichever host is lost next, nothing acknowledged is.
    """
    names = {member.name for member in named}
    found = [f"{name} is no member" for name in sorted(set(expected) - names)]
    leaders = [member for member in named if member.role == "leader"]
    if len(leaders) != 1:
        return [*found, f"the leaders are {[leader.name for leader in leaders]}"]
    for member in named:
        role = "leader" if member is leaders[0] else "quorum_standby"
        if member.role != role or not member.is_serving or member.timeline != leaders[0].timeline:
            place = "" if member.timeline is None else f" on timeline {member.timeline}"
            found.append(
                f"{member.name} is {member.role}, {member.state}{place}; "
                f"the leader is on timeline {leaders[0].timeline}"
            )
    return found
