"""The faults of the drills: each proves that it took effect, each cures itself on leaving."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from failover_tests import budgets
from ha.lab import Lab
from ha.lab.waiting import until


@dataclass(frozen=True, slots=True)
class Fault:
    """What was broken, when (monotonic), how we know."""

    what: str
    host: str
    began_s: float
    proof: str


@contextmanager
def power_off(lab: Lab, host: str) -> Iterator[Fault]:
    """
    Cut the power of `host`: its link and every process gone at once. Power on again on leaving.

    :raises NotInTime: if the host did not answer before, has a process left, or still answers
    """
    address, port, neighbour = _database(lab, host)

    def answers() -> bool:
        return _is_open(lab, address, port, asked_from=neighbour)

    until(
        answers,
        what=f"{host} to answer {neighbour} before (or its silence would prove nothing)",
        within_s=budgets.FAULT_PROVEN_S,
    )
    began_s = time.monotonic()
    try:
        lab.power_off(host)
        until(
            lambda: (lab.is_up(host), list(lab.pids(host)), answers()),
            is_enough=lambda seen: seen == (False, [], False),
            what=f"{host} to be without power (is up, processes, answers {neighbour})",
            within_s=budgets.FAULT_PROVEN_S,
        )
        proof = f"{host} has no process left; {neighbour} gets no answer from {address}:{port}"
        yield Fault(what="power off", host=host, began_s=began_s, proof=proof)
    finally:
        if not lab.is_up(host):
            lab.power_on(host)


def _database(lab: Lab, host: str) -> tuple[str, int, str]:
    """Return the address of `host`, its Patroni's port, another database host to look from."""
    topology = lab.topology
    neighbour = next(each.name for each in topology.with_role("database") if each.name != host)
    return topology.host(host).address, topology.ports.patroni, neighbour


def _is_open(lab: Lab, address: str, port: int, *, asked_from: str) -> bool:
    probe = f"timeout 1 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null && echo open || true"
    return lab.exec(asked_from, ["bash", "-c", probe], timeout_s=5).strip() == "open"
