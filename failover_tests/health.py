"""Health of the database cluster, judged from what Patroni says of its members."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ha.lab.cluster import Member


def faults(members: Sequence[Member], *, expected: Collection[str]) -> list[str]:
    """
    Return what keeps the cluster from being whole, a sentence each; empty means healthy.

    Whole: every expected host is a member, one leads and runs, the others stream on the leader's
    timeline, all as quorum standbys: whichever host is lost next, nothing acknowledged is.
    """
    names = {member.name for member in members}
    found = [f"{name} is no member" for name in sorted(set(expected) - names)]
    leaders = [member for member in members if member.role == "leader"]
    if len(leaders) != 1:
        return [*found, f"the leaders are {[leader.name for leader in leaders]}"]
    for member in members:
        role = "leader" if member is leaders[0] else "quorum_standby"
        if member.role != role or not member.is_serving or member.timeline != leaders[0].timeline:
            found.append(
                f"{member.name} is {member.role}, {member.state} on timeline {member.timeline}; "
                f"the leader is on {leaders[0].timeline}"
            )
    return found
