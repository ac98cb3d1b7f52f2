"""The stage of a drill: a lab under load, watched, with every wait bounded by a budget."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from failover_tests import books, budgets, health, history, samples, shares
from failover_tests.companions import Companion, running
from failover_tests.evidence import Evidence
from failover_tests.faults import Fault
from ha.lab import Lab
from ha.lab.cluster import members
from ha.lab.waiting import until


class Load:
    """The clients of a drill while they pay."""

    def __init__(self, companion: Companion, written: Path) -> None:
        self._companion = companion
        self._tail = history.Tail(written)

    def continues(self, *, for_s: float) -> None:
        """Wait until a payment was acknowledged `for_s` from now, or later."""
        enough_s = time.monotonic() + for_s

        def newest_s() -> float:
            self._companion.assert_running()
            taken = history.acknowledged(self._tail.requests())
            return taken[-1].done_s if taken else 0.0

        until(
            newest_s,
            is_enough=lambda seen_s: seen_s >= enough_s,
            what=f"a payment acknowledged at {enough_s:.1f} s or later",
            within_s=for_s + budgets.LOAD_ANSWERED_S,
        )


class Stage:
    """
    One drill on one lab. Its payments are known by `run`.

    What clients and observer write goes to `folder`, which should lie in memory: a disk that is
    busy with a database's recovery would hold them up.
    """

    def __init__(self, lab: Lab, *, folder: Path, load_s: float, is_retrying: bool) -> None:
        self.lab = lab
        self.run = datetime.now(UTC).strftime("drill%Y%m%dT%H%M%SZ")
        self._folder = folder
        self._load_s = load_s
        self._longest_s = budgets.LOAD_LONGEST_S + load_s
        self._is_retrying = is_retrying
        self._before: books.Totals | None = None
        self._cpu_shares: dict[str, float] = {}

    def primary(self) -> str:
        """Return the host that is primary."""
        return str(until(self.lab.primary, what="a primary", within_s=budgets.HEALTHY_S))

    def wait_until_healthy(self, *, within_s: float) -> None:
        """Wait until every database host runs, streams and takes part in the quorum."""
        expected = [host.name for host in self.lab.topology.with_role("database")]
        until(
            lambda: health.faults(members(self.lab.patroni()), expected=expected),
            is_enough=lambda faults: not faults,
            what="a whole database cluster",
            within_s=within_s,
        )

    def wait_for_primary(self, *, other_than: str, within_s: float) -> None:
        """Wait until another host is primary."""
        until(
            self.lab.primary,
            is_enough=lambda primary: primary not in (None, other_than),
            what=f"a primary other than {other_than}",
            within_s=within_s,
        )

    @contextmanager
    def paying(self) -> Iterator[Load]:
        """
        Keep clients paying and reading, observed, and lend their load once it is warm.

        Leaving waits for the last answers.
        """
        self._before = books.totals(self.lab)
        with self._observer() as observer, self._clients() as clients:
            began_s = time.monotonic()
            load = Load(clients, self._folder / "history.jsonl")
            _, self._cpu_shares = shares.measured(
                self.lab, lambda: load.continues(for_s=budgets.WARM_UP_S), load=[clients.pid]
            )
            yield load
            load.continues(for_s=max(0.0, began_s + self._load_s - time.monotonic()))
            clients.end()
            observer.end()

    def evidence(self, fault: Fault) -> Evidence:
        """Return all that is known after the load has ended."""
        assert self._before is not None, "a drill pays before it judges"
        return Evidence(
            run=self.run,
            fault=fault,
            history=history.read(self._folder / "history.jsonl"),
            samples=samples.read(self._folder / "samples.jsonl"),
            cpu_shares=self._cpu_shares,
            before=self._before,
            books=books.read(self.lab, run=self.run),
        )

    def _clients(self) -> AbstractContextManager[Companion]:
        info = self.lab.info()
        arguments = [
            f"--endpoint={info['endpoint']}",
            f"--history={(self._folder / 'history.jsonl').resolve()}",
            f"--run={self.run}",
            f"--seconds={self._longest_s}",
            "--retry" if self._is_retrying else "--no-retry",
        ]
        return running(
            "failover_tests.workload",
            arguments,
            namespace=info["client_namespace"],
            errors=self._folder / "clients.log",
            secret=msgspec.json.encode(info["tokens"]),
        )

    def _observer(self) -> AbstractContextManager[Companion]:
        port = self.lab.topology.ports.patroni
        hosts = self.lab.topology.with_role("database")
        urls = [f"{host.name}=http://{host.address}:{port}" for host in hosts]
        return running(
            "failover_tests.observer",
            [
                *urls,
                f"--out={(self._folder / 'samples.jsonl').resolve()}",
                f"--seconds={self._longest_s}",
            ],
            namespace=self.lab.info()["client_namespace"],
            errors=self._folder / "observer.log",
        )
