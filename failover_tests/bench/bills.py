"""The benchmark of a bill run: beside a bare COPY of its rows, then beside clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from failover_tests import billing, history, shares
from failover_tests.bench import loads
from failover_tests.conditions import Conditions
from failover_tests.figures import latencies
from failover_tests.history import History, Kind
from failover_tests.stage import Stage
from failover_tests.statements import statement
from ha.lab import Lab, bill_runs
from ha.lab.bill_runs import Shown
from ha.lab.errors import LabFailed

_FOLDER = "/var/lib/evergrid/postgresql"
_FILES = ("bill", "bill_line", "receivable", "ledger_entry")
# A million accounts, at the rate of a slow machine.
_WITHIN_S = 3600.0
_LOOK_S = 0.1
# What is asked of a worker; a run of any size takes no more.
_WORKER_BYTES_MAX = 300_000_000
_MB = 1_000_000
# What is compared with is clients that are warm.
_BEFORE_S = 10.0


class Bills(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a run took: bills a second of each half of it, and of both together.

    `copied_per_s` is how many bills' rows a bare COPY writes a second, over one connection;
    `worker_mb` the most memory that a worker has had since it began, in megabytes.
    """

    bills: int
    failed: int
    calculated_per_s: float
    issued_per_s: float
    billed_per_s: float
    copied_per_s: float
    issued_over_copied: float
    worker_mb: int


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """
    What clients felt of a run: p99 of payments, of reads, in ms, just before it and meanwhile.

    There were `rate` payments a second, and as many reads.
    """

    rate: float
    requests: int
    failed: int
    billed_per_s: float
    payments_p99_ms: tuple[float, float]
    reads_p99_ms: tuple[float, float]


class NothingBilled(LabFailed):
    """The run that was to be measured has issued no bill."""


def measured(lab: Lab, *, accounts: int, key: str, say: Callable[[str], None]) -> Bills:
    """
    Bill so many new accounts for a month, then write the same rows by COPY.

    :raises NothingBilled: if there was nothing to measure
    """
    say(f"load {accounts} accounts")
    month = billing.unbilled(lab, accounts=accounts)
    say(f"bill them for {month}")
    run, calculated_s, issued_s = _billed(lab, month, key=key)
    say("copy the same rows")
    bills, copied_s = run["billed"], _copied_s(lab, run)
    return Bills(
        bills=bills,
        failed=run["failed"],
        calculated_per_s=round(bills / calculated_s, 1),
        issued_per_s=round(bills / issued_s, 1),
        billed_per_s=round(bills / (calculated_s + issued_s), 1),
        copied_per_s=round(bills / copied_s, 1),
        issued_over_copied=round(copied_s / issued_s, 3),
        worker_mb=shares.largest_bytes(lab, "worker") // _MB,
    )


def beside(lab: Lab, *, accounts: int, rate: float, key: str, say: Callable[[str], None]) -> Beside:
    """
    Bill so many new accounts for a month while clients pay and read.

    :raises NothingBilled: if there was nothing to measure
    """
    say(f"load {accounts} accounts, bill them beside {rate:.0f} payments and reads a second")
    month = billing.unbilled(lab, accounts=accounts)
    conditions = Conditions(rate=rate, longest_s=_WITHIN_S)
    with TemporaryDirectory() as written:
        stage = Stage(lab, folder=Path(written), conditions=conditions)
        with stage.paying():
            began_s = time.monotonic()
            run, calculated_s, issued_s = _billed(lab, month, key=key)
            ended_s = time.monotonic()
        felt = history.read(stage.folder / "history.jsonl")
    return Beside(
        rate=rate,
        requests=len(felt),
        failed=sum(not each.is_answered for each in felt),
        billed_per_s=round(run["billed"] / (calculated_s + issued_s), 1),
        payments_p99_ms=_p99_ms(felt, "payment", began_s, ended_s),
        reads_p99_ms=_p99_ms(felt, "read", began_s, ended_s),
    )


def shortfalls(found: Bills, *, accounts: int) -> list[str]:
    """Return what is wrong with a run of at least so many accounts, whatever the machine."""
    wrong = []
    if found.bills < accounts or found.failed:
        wrong.append(f"{found.bills} bills of {accounts} accounts, {found.failed} failed")
    if found.worker_mb * _MB > _WORKER_BYTES_MAX:
        wrong.append(f"a worker has had {found.worker_mb} MB")
    return wrong


def _p99_ms(felt: History, kind: Kind, began_s: float, ended_s: float) -> tuple[float, float]:
    """Return the 99th percentile of what was due before the run, then while it went."""
    found = []
    for first_s, last_s in ((began_s - _BEFORE_S, began_s), (began_s, ended_s)):
        within = [each for each in felt if each.kind == kind and first_s <= each.due_s < last_s]
        known = latencies(within)
        if known is None:
            raise NothingBilled(f"no {kind} was due while the run went, or before")
        found.append(known.p99_ms)
    return found[0], found[1]


def _billed(lab: Lab, month: str, *, key: str) -> tuple[Shown, float, float]:
    """Bill a month; return the run, how many seconds calculating took, then issuing."""
    began_s = time.monotonic()
    run = _reaches(lab, bill_runs.ask(lab, month, key=key), "calculated", "finished")
    calculated_s = time.monotonic() - began_s
    if not run["calculated"]:
        raise NothingBilled(f"run {run['bill_run_id']} has nothing to issue")
    bill_runs.approve(lab, run, key=f"{key}-approved")
    began_s = time.monotonic()
    run = _reaches(lab, run, "finished")
    return run, calculated_s, time.monotonic() - began_s


def _reaches(lab: Lab, run: Shown, *states: str) -> Shown:
    return bill_runs.reaches(lab, run, *states, within_s=_WITHIN_S, step_s=_LOOK_S)


def _copied_s(lab: Lab, run: Shown) -> float:
    """Return how long a bare COPY of a run's rows takes on the primary, replicated as all is."""
    script = statement("bench_copy").replace("%RUN%", str(int(run["bill_run_id"])))
    files = [f"{_FOLDER}/bench.{name}" for name in _FILES]
    try:
        printed = lab.psql(script.replace("%FOLDER%", _FOLDER), timeout_s=_WITHIN_S)
    finally:
        lab.exec(loads.primary(lab), ["rm", "-f", *files], timeout_s=60)
    began, ended = (float(line) for line in printed.split())
    return ended - began
