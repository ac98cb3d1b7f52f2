"""Where reads were answered, by what the API counts."""

from __future__ import annotations

import re
from collections import Counter

from ha.lab import Lab
from ha.lab.operators import AS_HOST

_METRICS_S = 10.0
_READS = re.compile(
    r'^evergrid_reads_total{answered_by="(\w+)",reason="(\w+)"} (\S+)$', re.MULTILINE
)


def counted(lab: Lab) -> Counter[tuple[str, str]]:
    """Return how many reads all app hosts counted, by what answered them and why."""
    total = Counter[tuple[str, str]]()
    for host in lab.topology.with_role("app"):
        url = f"https://{host.address}:{lab.topology.ports.api}/metrics"
        text = lab.exec(
            host.name, ["curl", "--silent", "--fail", *AS_HOST, url], timeout_s=_METRICS_S
        )
        total += parse(text)
    return total


def parse(text: str) -> Counter[tuple[str, str]]:
    """Return the reads in one page of metrics."""
    return Counter({(by, why): int(float(count)) for by, why, count in _READS.findall(text)})
