"""Hosts that lose their power."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from failover_tests import budgets
from failover_tests.faults import probes
from failover_tests.faults.fault import Fault
from ha.lab import Lab
from ha.lab.waiting import until


@contextmanager
def power_off(lab: Lab, *hosts: str) -> Iterator[Fault]:
    """
    Cut the power of all `hosts` at one moment: link and every process gone. Power on on leaving.

    :raises NotInTime: if a host did not answer before, has a process left, or still answers
    """
    client = probes.client(lab)

    def answering() -> list[str]:
        found = probes.together(lambda host: probes.answers(lab, host, asked_from=client), hosts)
        return [host for host, is_open in zip(hosts, found, strict=True) if is_open]

    until(
        answering,
        is_enough=lambda seen: seen == list(hosts),
        what=f"{hosts} to answer {client} before (or their silence would prove nothing)",
        within_s=budgets.FAULT_PROVEN_S,
    )
    with ExitStack() as cures:
        for host in hosts:
            cures.callback(_power_on, lab, host)
        began_s = time.monotonic()
        probes.together(lab.power_off, hosts)
        until(
            lambda: (answering(), [h for h in hosts if lab.is_up(h)], *map(lab.pids, hosts)),
            is_enough=lambda seen: not any(seen),
            what=f"{hosts} to be without power (who answers, is up, has processes)",
            within_s=budgets.FAULT_PROVEN_S,
        )
        proof = f"no process is left of {' and '.join(hosts)}, {client} gets no answer"
        yield Fault(what="power off", hosts=hosts, began_s=began_s, proof=proof)


def _power_on(lab: Lab, host: str) -> None:
    if not lab.is_up(host):
        lab.power_on(host)
