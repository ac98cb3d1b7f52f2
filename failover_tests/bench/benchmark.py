"""The benchmark's phases, one after the other on one lab, each beside its yardstick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from failover_tests import budgets, environment, shares
from failover_tests.bench import bills, loads, scripts
from failover_tests.bench.bills import Bills
from failover_tests.bench.loads import Measured
from failover_tests.statements import statement
from ha.lab import Lab
from ha.lab.lab import DATABASE, SOCKET_FOLDER

# Pays every bill of an account at once, and once more: later payments are all prepayment, here as
# in pgbench's script. 10,000 yuan.
_SETTLING_FEN = 1_000_000
_AMOUNT_FEN = 500

# pgbench's own tables: a million accounts, 150 MB, the size at which its figures are often given.
_SCALE = 10
_OWN_DATABASE = "bench"

# Making those tables, which two replicas repeat.
_INITIALISE_S = 120.0

_BUSINESS_TIME = ZoneInfo("Asia/Shanghai")


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One phase with its figures, and the share of all CPUs that each group of processes used."""

    name: str
    measured: Measured
    cpu_shares: dict[str, float]


class Benchmark:
    """One benchmark of one lab; `say` is told what goes on."""

    def __init__(
        self, lab: Lab, *, seconds: int, accounts: int, say: Callable[[str], None]
    ) -> None:
        self._lab = lab
        self._seconds = seconds
        self._billed = accounts
        self._say = say
        self._accounts = [str(row["account_no"]) for row in lab.query(statement("bench_accounts"))]
        self._run = datetime.now(UTC).strftime("bench%Y%m%dT%H%M%SZ")

    def bill_run(self) -> Bills:
        """Measure a bill run, beside COPY."""
        return bills.measured(self._lab, accounts=self._billed, key=self._run, say=self._say)

    def results(self) -> dict[str, Any]:
        """Run every phase; return the figures, ready for JSON."""
        described = environment.described(self._lab)
        self._settle()
        reads = self._phase("GET /v1/accounts/{no}", self._reads)
        with self._own_database():
            selects = self._phase("pgbench --select-only", self._selects)
        payments = self._phase("POST /v1/payments", self._payments)
        statements = self._phase("pgbench, a payment's statements", self._statements)
        run = self.bill_run()
        beside = bills.beside(
            self._lab,
            accounts=self._billed,
            rate=budgets.PAYMENTS_PER_S / 2,
            key=f"{self._run}b",
            say=self._say,
        )
        return {
            "run": self._run,
            "connections": loads.CONNECTIONS,
            "seconds_a_phase": self._seconds,
            "reads_over_selects": _ratio(reads, selects),
            "payments_over_statements": _ratio(payments, statements),
            "bills": msgspec.to_builtins(run),
            "beside": msgspec.to_builtins(beside),
            "phases": msgspec.to_builtins([reads, selects, payments, statements]),
            "environment": described,
        }

    def _phase(self, name: str, work: Callable[[], Measured]) -> Phase:
        self._say(name)
        measured, cpu_shares = shares.measured(self._lab, work)
        return Phase(name=name, measured=measured, cpu_shares=cpu_shares)

    def _settle(self) -> None:
        """Pay what the accounts owe, through the service, so that both sides do the same work."""
        self._say("settle the bills")
        self._post(self._run + "s", amount_fen=_SETTLING_FEN, seconds=self._seconds)

    def _payments(self) -> Measured:
        return self._post(self._run, amount_fen=_AMOUNT_FEN, seconds=self._seconds)

    def _post(self, run: str, *, amount_fen: int, seconds: int) -> Measured:
        environment = {"BENCH_RUN": run, "BENCH_AMOUNT_FEN": str(amount_fen)}
        return self._wrk("payments.lua", "channel", seconds, environment)

    def _reads(self) -> Measured:
        return self._wrk("accounts.lua", "hall_clerk", self._seconds, {})

    def _wrk(self, script: str, role: str, seconds: int, extra: dict[str, str]) -> Measured:
        token = self._lab.info()["tokens"][role]
        environment = {
            "BENCH_TOKEN": token,
            "BENCH_ACCOUNTS": " ".join(self._accounts),
            **extra,
        }
        return loads.wrk(self._lab, script, seconds=seconds, environment=environment)

    def _statements(self) -> Measured:
        """Run a payment's statements as the API's role, with the settings of that role."""
        settings = [str(row["setting"]) for row in self._lab.query(statement("api_settings"))]
        script = scripts.payment_script(
            accounts=self._accounts,
            principal_id=self._lab.query(statement("bench_principal"))[0]["principal_id"],
            amount_fen=_AMOUNT_FEN,
            business_date=datetime.now(_BUSINESS_TIME).date(),
        )
        return loads.pgbench(
            self._lab,
            database=DATABASE,
            settings=["role=evergrid_api", *settings],
            seconds=self._seconds,
            script=script,
        )

    def _selects(self) -> Measured:
        return loads.pgbench(self._lab, database=_OWN_DATABASE, settings=[], seconds=self._seconds)

    @contextmanager
    def _own_database(self) -> Iterator[None]:
        """Make pgbench's own tables in a database of their own; drop it on leaving."""
        self._say("make pgbench's tables")
        self._as_postgres("dropdb", "--if-exists", _OWN_DATABASE)
        self._as_postgres("createdb", _OWN_DATABASE)
        try:
            self._as_postgres("pgbench", "--initialize", f"--scale={_SCALE}", _OWN_DATABASE)
            yield
        finally:
            self._as_postgres("dropdb", _OWN_DATABASE)

    def _as_postgres(self, program: str, *arguments: str) -> None:
        where = [f"--host={SOCKET_FOLDER}", f"--port={self._lab.topology.ports.postgres}"]
        argv = ["runuser", "-u", "postgres", "--", program, *where, *arguments]
        self._lab.exec(loads.primary(self._lab), argv, timeout_s=_INITIALISE_S)


def _ratio(ours: Phase, theirs: Phase) -> float:
    return round(ours.measured.per_s / theirs.measured.per_s, 3)
