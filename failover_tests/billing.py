"""Billing: a bill run that is disturbed, compared with itself undisturbed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from failover_tests.faults import Fault
from failover_tests.judgement import Outcome, Verdict, check, judged
from failover_tests.promises import Promises
from failover_tests.stage import Stage
from failover_tests.statements import statement
from ha.lab import Lab, bill_runs, service
from ha.lab.bill_runs import Shown
from ha.lab.waiting import until

Half = Literal["calculated", "issued"]
Struck = tuple[Half, Fault]

# What the service shows of how far each half is.
_COUNTED: Mapping[Half, str] = {"calculated": "chunks_calculated", "issued": "chunks_done"}
# Enough for some seconds of each half of a run on two cores.
ACCOUNTS = 8_000


class Queried(Protocol):
    """A lab, as far as this module needs it: SQL as `postgres` on the primary."""

    def query(self, sql: str) -> list[dict[str, object]]:
        """Return the rows of one statement."""
        ...


@dataclass(frozen=True, slots=True)
class Sums:
    """What bills come to, all together."""

    bills: int
    consumption_kwh: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Billed:
    """What a run has left in the books: its bills, their accounts, what is owed or paid of them."""

    sums: Sums
    accounts: int
    owed_fen: int


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault in the middle of a run: chunks that one half of it had done `before`, and `after`."""

    fault: Fault
    half: Half
    before: int
    after: int


def unbilled(lab: Lab, *, accounts: int = ACCOUNTS) -> str:
    """Add accounts whose last month was read but not billed; return that month."""
    row = lab.query(statement("accounts"))[0]
    demo = service.Demo(accounts=int(row["accounts"]) + accounts, months=1)
    return service.load_demo(lab, demo).months[-1]


def undisturbed(lab: Lab, month: str, *, key: str) -> Sums:
    """Have a month calculated while nothing is broken; return what it comes to, issue nothing."""
    asked = bill_runs.ask(lab, month, key=key)
    run = bill_runs.reaches(lab, asked, "calculated")
    bill_runs.reject(lab, run, reason="Calculated to compare with.", key=f"{key}-rejected")
    return sums_of(run)


def begins(lab: Lab, run: Shown, half: Half) -> None:
    """
    Wait until a run has begun with a half of its work.

    :raises NotInTime: if it does not
    """
    until(
        lambda: bill_runs.seen(lab, run)[_COUNTED[half]],
        what=f"a chunk of run {run['bill_run_id']} to be {half}",
        within_s=bill_runs.BILLS_S,
    )


def strike(lab: Queried, run: Shown, half: Half, fault: Fault) -> Strike:
    """Return how much of a half of a run was done before a fault, how much after it was proven."""
    ago_s = time.time() - time.monotonic()
    asked = statement("chunks_around").replace("%RUN%", str(int(run["bill_run_id"])))
    asked = asked.replace("%BEFORE%", str(ago_s + fault.began_s))
    row = lab.query(asked.replace("%AFTER%", str(ago_s + fault.proven_s)))[0]
    before, after = (int(str(row[f"{half}_{when}"])) for when in ("before", "after"))
    return Strike(fault, half, before, after)


def sums_of(run: Shown) -> Sums:
    """Return what a run has calculated."""
    return Sums(run["calculated"], run["calculated_kwh"], run["calculated_fen"])


def billed(lab: Queried, run: Shown) -> Billed:
    """Return what a run has left in the books."""
    asked = statement("billed").replace("%RUN%", str(int(run["bill_run_id"])))
    row = {name: int(str(value)) for name, value in lab.query(asked)[0].items()}
    sums = Sums(row["bills"], row["consumption_kwh"], row["amount_fen"])
    return Billed(sums, row["accounts"], row["owed_fen"])


def outcome(
    stage: Stage, run: Shown, struck: Sequence[Struck], *, expected: Sums, promises: Promises
) -> Outcome:
    """Return what a disturbed run, and what clients felt meanwhile, came to."""
    evidence = stage.evidence(*(fault for _, fault in struck))
    strikes = [strike(stage.lab, run, half, fault) for half, fault in struck]
    promises = promises.allowing(stage.conditions.allowance)
    found = billed(stage.lab, run)
    own = checks(expected=expected, run=run, found=found, strikes=strikes)
    return Outcome(evidence, (*own, *judged(evidence, promises).verdict), promises)


def checks(*, expected: Sums, run: Shown, found: Billed, strikes: Sequence[Strike]) -> Verdict:
    """Return what a disturbed run is judged by; one that nothing struck proves nothing."""
    told = [f"{each.half}: {each.before} chunks before, {each.after} after" for each in strikes]
    idle = [line for line, each in zip(told, strikes, strict=True) if not each.before * each.after]
    wrong = [
        f"{what}: {sums}, undisturbed {expected}"
        for what, sums in (("calculated", sums_of(run)), ("in the books", found.sums))
        if sums != expected
    ]
    if found.owed_fen != expected.amount_fen:
        wrong.append(f"owed or paid: {found.owed_fen} fen, billed {expected.amount_fen}")
    unfair = {"have two": found.sums.bills - found.accounts, "have none": run["failed"]}
    return (
        check(
            "the run was under way when the power went",
            "; ".join(told) or "nothing broke",
            idle if strikes else ["nothing broke"],
        ),
        check("the bills come to what they would undisturbed", str(found.sums), wrong),
        check(
            "no bill is missing, none is double",
            f"{found.sums.bills} bills of {run['accounts']} accounts",
            [f"{count} accounts {what}" for what, count in unfair.items() if count],
        ),
    )
