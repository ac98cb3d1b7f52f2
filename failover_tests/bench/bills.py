"""The benchmark of a bill run, beside a bare COPY of the rows that it has written."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from failover_tests import billing
from failover_tests.bench import loads
from failover_tests.statements import statement
from ha.lab import Lab, bill_runs
from ha.lab.bill_runs import Shown
from ha.lab.errors import LabFailed

_FOLDER = "/var/lib/evergrid/postgresql"
_FILES = ("bill", "bill_line", "receivable", "ledger_entry")
# A million accounts, at the rate of a slow machine.
_WITHIN_S = 3600.0
_LOOK_S = 0.1


class Bills(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a run took: bills a second of each half of it, and of both together.

    `copied_per_s` is how many bills' rows a bare COPY writes a second, over one connection.
    """

    bills: int
    failed: int
    calculated_per_s: float
    issued_per_s: float
    billed_per_s: float
    copied_per_s: float
    issued_over_copied: float


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
    began_s = time.monotonic()
    run = _reaches(lab, bill_runs.ask(lab, month, key=key), "calculated", "finished")
    calculated_s = time.monotonic() - began_s
    if not run["calculated"]:
        raise NothingBilled(f"run {run['bill_run_id']} has nothing to issue")
    bill_runs.approve(lab, run, key=f"{key}-approved")
    began_s = time.monotonic()
    run = _reaches(lab, run, "finished")
    issued_s = time.monotonic() - began_s
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
    )


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
