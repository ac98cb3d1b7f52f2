"""The stage of a drill: a lab under load, watched, with every wait bounded by a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from failover_tests import books, budgets, etcd, health, history, samples, shares
from failover_tests.companions import Companion, running
from failover_tests.conditions import Conditions
from failover_tests.evidence import Evidence
from failover_tests.faults.fault import Fault
from failover_tests.load import Load
from ha.lab import Lab
from ha.lab.handover import silent
from ha.lab.waiting import NotInTime, until
from ha.topology import Role

# A look at a whole lab takes an eighth of a second of one core. Beside clients it is taken seldom:
# on a machine with a tenth to spare and looks every 0.3 s, of 0.4 s then, two of three switchovers
# ended in a backlog that was never worked off (36,000 requests failed); none of eight drills since.
_LOOK_EVERY_S = 0.3
_LOOK_BESIDE_CLIENTS_EVERY_S = 2.0
_PATIENT_S = 10.0

_AS_PROMISED = Conditions()


class Stage:
    """
    One drill on one lab. Its payments are known by `run`.

    What clients and observer write goes to `folder`, which should lie in memory: a disk that is
    busy with a database's recovery would hold them up.
    """

    def __init__(
        self,
        lab: Lab,
        *,
        folder: Path,
        conditions: Conditions = _AS_PROMISED,
        say: Callable[[str], None] = silent,
    ) -> None:
        self.lab = lab
        self.conditions = conditions
        self.run = datetime.now(UTC).strftime("drill%Y%m%dT%H%M%SZ")
        self.folder = folder
        self.longest_s = conditions.longest_s + conditions.load_s
        self._say = say
        self._before: books.Standing | None = None
        self._cpu_shares: dict[str, float] = {}
        self._rejoined_s = 0.0
        self._complaint = ""

    def file(self, name: str) -> Path:
        """Return where a drill writes a file that is kept with its report."""
        return self.folder / name

    def primary(self) -> str:
        """Return the host that is primary."""
        return str(until(self.lab.primary, what="a primary", within_s=budgets.HEALTHY_S))

    def replicas(self) -> tuple[str, str]:
        """Return the two database hosts that are not primary."""
        primary = self.primary()
        first, second = (name for name in self.hosts("database") if name != primary)
        return first, second

    def hosts(self, role: Role) -> tuple[str, ...]:
        """Return the names of the hosts that have `role`."""
        return tuple(host.name for host in self.lab.topology.with_role(role))

    def edge(self) -> str:
        """Return the edge host that has the virtual address."""
        return until(
            self.lab.holders_of_virtual_address,
            is_enough=lambda holders: len(holders) == 1,
            what="one holder of the virtual address",
            within_s=budgets.HEALTHY_S,
        )[0]

    def etcd_leader(self) -> str:
        """Return the host whose member of etcd leads."""
        return etcd.leader(self.lab)

    def wait_until_healthy(self) -> None:
        """
        Wait until nothing of the lab is broken: hosts, programs, databases, etcd, edge.

        What it waits for is said where that takes long.
        """
        self._wait_until_whole(within_s=budgets.HEALTHY_S, step_s=_LOOK_EVERY_S)

    def wait_until_whole_again(self) -> None:
        """Wait for the same beside clients, who are there first."""
        self._wait_until_whole(within_s=budgets.WHOLE_S, step_s=_LOOK_BESIDE_CLIENTS_EVERY_S)

    def _wait_until_whole(self, *, within_s: float, step_s: float) -> None:
        began_s, said = time.monotonic(), [""]

        def complaints() -> list[str]:
            found = health.complaints(self.lab)
            if found and found[0] != said[-1] and time.monotonic() - began_s > _PATIENT_S:
                said.append(found[0])
                self._say(f"  waiting: {found[0]}")
            return found

        until(
            complaints,
            is_enough=lambda complaints: not complaints,
            what="a whole lab",
            within_s=within_s,
            step_s=step_s,
        )

    def wait_for_primary(self, *, other_than: str, within_s: float = budgets.RECOVERY_S) -> None:
        """Wait until another host is primary."""
        until(
            self.lab.primary,
            is_enough=lambda primary: primary not in (None, other_than),
            what=f"a primary other than {other_than}",
            within_s=within_s,
        )

    def wait_for_etcd(self, *, within_s: float) -> None:
        """Wait until every member of etcd takes writes."""
        until(
            lambda: etcd.faults(self.lab),
            is_enough=lambda faults: not faults,
            what="a whole etcd",
            within_s=within_s,
        )

    def wait_for_edge(self, *, other_than: str) -> float:
        """Wait until another host alone has the virtual address; return when it was seen to."""
        until(
            self.lab.holders_of_virtual_address,
            is_enough=lambda holders: len(holders) == 1 and other_than not in holders,
            what=f"the virtual address away from {other_than}",
            within_s=budgets.FAULT_PROVEN_S,
        )
        return time.monotonic()

    @contextmanager
    def paying(
        self,
        *,
        is_retrying: bool = False,
        clients: AbstractContextManager[Companion] | None = None,
    ) -> Iterator[Load]:
        """
        Keep clients of a whole lab paying and reading, observed; lend their load once it is warm.

        `clients` stand in for the usual ones; they too write a history.
        Leaving waits until the lab is whole again, then for the last answers.
        """
        self.wait_until_healthy()
        self._before = books.standing(self.lab)
        usual = clients or self._clients(is_retrying=is_retrying)
        with self._observer() as observer, usual as paying:
            began_s = time.monotonic()
            load = Load(paying, self.folder / "history.jsonl")
            load.continues(for_s=budgets.WARM_UP_S - budgets.LOOK_S)
            _, self._cpu_shares = shares.measured(
                self.lab, lambda: load.continues(for_s=budgets.LOOK_S), load=[paying.pid]
            )
            load.keeps_pace()
            yield load
            self._rejoin()
            load.is_served_again()
            load.goes_on(for_s=budgets.AFTERWARDS_S)
            load.goes_on(for_s=max(0.0, began_s + self.conditions.load_s - time.monotonic()))
            paying.end()
            observer.end()

    def _rejoin(self) -> None:
        """Wait until the lab is whole; note how long that took, or what it still lacks."""
        cured_s = time.monotonic()
        try:
            self.wait_until_whole_again()
        except NotInTime as late:
            self._complaint = str(late)
        self._rejoined_s = time.monotonic() - cured_s

    def evidence(self, *faults: Fault) -> Evidence:
        """Return all that is known after the load has ended."""
        assert self._before is not None, "a drill pays before it judges"
        return Evidence(
            run=self.run,
            faults=faults,
            history=history.read(self.folder / "history.jsonl"),
            samples=samples.read(self.folder / "samples.jsonl"),
            wardens=samples.read(self.folder / "wardens.jsonl"),
            cpu_shares=self._cpu_shares,
            before=self._before,
            books=books.read(self.lab, run=self.run),
            rejoined_s=self._rejoined_s,
            complaint=self._complaint,
        )

    def _clients(self, *, is_retrying: bool) -> AbstractContextManager[Companion]:
        info = self.lab.info()
        arguments = [
            f"--endpoint={info['endpoint']}",
            f"--authority={info['authority']}",
            f"--history={(self.folder / 'history.jsonl').resolve()}",
            f"--run={self.run}",
            f"--seconds={self.longest_s}",
            f"--payments-per-s={self.conditions.rate}",
            f"--reads-per-s={self.conditions.rate}",
            "--retry" if is_retrying else "--no-retry",
        ]
        return running(
            "failover_tests.workload",
            arguments,
            namespace=info["client_namespace"],
            errors=self.folder / "clients.log",
            secret=msgspec.json.encode(info["tokens"]),
        )

    def _observer(self) -> AbstractContextManager[Companion]:
        ports, hosts = self.lab.topology.ports, self.lab.topology.with_role("database")
        urls = [f"{host.name}=https://{host.address}:{ports.patroni}/patroni" for host in hosts]
        wardens = [
            f"--warden={host.name}={self.lab.layout.namespace_path(host.name)}"
            f"=https://{host.address}:{ports.warden}/status"
            for host in hosts
        ]
        return running(
            "failover_tests.observer",
            [
                *urls,
                *wardens,
                f"--identity={self.lab.layout.operators}",
                f"--out={(self.folder / 'samples.jsonl').resolve()}",
                f"--wardens-out={(self.folder / 'wardens.jsonl').resolve()}",
                f"--seconds={self.longest_s}",
            ],
            namespace=self.lab.info()["client_namespace"],
            errors=self.folder / "observer.log",
        )
