"""
Limits: what the edge counts, of whom, as its configuration says it.

Each request passes the edge once, whatever waits or is repeated behind it, and all clients of the
virtual address pass one edge. There an address is counted, before it costs anybody anything, and a
principal, over all its tokens. Whose a token is, with which role, the API says in a header of its
answers; the edge keeps that by the token's digest. So no limit is divided among processes, none
shrinks or grows with the hosts that are up, and no database is asked.

What the edge does not know it lets pass: after a takeover or a reload its memory is empty, and the
first answer to each token fills it again. The other edge is not told by HAProxy's `peers`: of two
counts the last one sent would win, so nothing would be added up, for one more port and the traffic.

What is counted over 30 s is estimated: the last 30 s weigh as much as they overlap.
Source: HAProxy 2.6, configuration.txt, "gpc_rate"; freq_ctr.h.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from urllib.parse import quote

from ha.topology import Topology

# The API's answers say whom they were given to; the edge keeps it to itself. The same in
# service/api/authentication.py.
PRINCIPAL_HEADER = "Evergrid-Principal"
# A line of a request that gunicorn reads whole (4,094 bytes), headers that HAProxy can keep beside
# it (15 KiB) with room for its own. The longest search by address has 2 kB.
URI_MAX_BYTES = 4_000
HEADERS_MAX_BYTES = 8_000
HEADERS_MAX = 64
# Memory of 100,000 addresses or tokens is 20 MB; beyond, the one seen longest ago is forgotten.
ENTRIES_MAX = 100_000
# A counter closes in the evening, its token is still known in the morning.
TOKEN_KNOWN_H = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """
    How many requests in a window pass of whoever bears `word`.

    `field` says where the API tells it: 2 is the role, 3 the name, percent-encoded.
    """

    field: int
    word: str
    quota: int


def window_s(topology: Topology) -> int:
    """Return the seconds a request counts: as long as its client may wait to send it again."""
    return topology.timings.client


def quotas(topology: Topology) -> dict[str, int]:
    """Return what an address may send in a window, in all or of what nobody vouches for."""
    limits, seconds = topology.limits, window_s(topology)
    return {"address": limits.address * seconds, "unproven": limits.unproven * seconds}


def budgets(topology: Topology) -> tuple[Budget, ...]:
    """Return the budget of each role, then of each principal that has one of its own."""
    limits, seconds = topology.limits, window_s(topology)
    of_roles = (
        Budget(field=2, word=role, quota=rate * seconds)
        for role, rate in asdict(limits.roles).items()
    )
    of_names = (
        Budget(field=3, word=quote(name, safe=""), quota=rate * seconds)
        for name, rate in limits.principals.items()
    )
    return (*of_roles, *of_names)
