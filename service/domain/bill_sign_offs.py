"""Sign-offs: bills are issued once another hand has looked at what a run has calculated."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC

from service.domain.bill_bases import Stand
from service.domain.bill_runs import BillRun
from service.domain.bills import Bill
from service.domain.errors import Conflict, Forbidden
from service.domain.principals import Caller

_DIGEST_BYTES = 16


class BillRunNotCalculated(Conflict):
    """Workers are still calculating the run's bills."""

    code = "BILL_RUN_NOT_CALCULATED"
    hint = "Wait until the run's state is `calculated`, then look at its samples."


class BillRunDecided(Conflict):
    """The run was approved or rejected, or had nothing to decide about."""

    code = "BILL_RUN_DECIDED"
    hint = "Start another run for what this one did not bill."


class OwnBillRun(Forbidden):
    """Whoever asks for a run may not approve it."""

    code = "OWN_BILL_RUN"
    hint = "Let somebody else approve it; you may reject it, which withdraws it."


class OwnReadings(Forbidden):
    """Whoever took readings, or corrected them, may not approve the bills that rest on them."""

    code = "OWN_READINGS"
    hint = "Let somebody approve it who had no hand in the run's readings."


class ControlSumsDiffer(Conflict):
    """The sums that were checked are not those of the run."""

    code = "CONTROL_SUMS_DIFFER"
    hint = "Read the run again: how many bills, how much energy, over how much money."


class BillChanged(Conflict):
    """The bill is no more what was approved: a reading, a price, a bill before it has changed."""

    code = "BILL_CHANGED"
    hint = "Start another run for the month; it calculates the bill anew."


@dataclass(frozen=True, slots=True)
class ControlSums:
    """What bills come to, all together."""

    bills: int
    consumption_kwh: int
    amount_fen: int

    def __str__(self) -> str:
        """Write them as a person compares them."""
        return f"{self.bills} bills, {self.consumption_kwh} kWh, {self.amount_fen} fen"


def check_undecided(run: BillRun) -> None:
    """
    Let a decision pass that is the first one.

    :raises BillRunDecided: if there was one, or is nothing to decide about
    """
    if run.decision is not None or run.state == "finished":
        raise BillRunDecided(f"run {run.bill_run_id} is {run.state}")


def check_approval(
    run: BillRun, *, sums: ControlSums, by: Caller, has_taken_readings: bool
) -> None:
    """
    Let an approval pass by another hand, of what it has seen.

    Source: domain rules 3.4 (process `monthly_billing`: checked, separate from reading). Its issuer
    is a worker, which issues what was approved and nothing else: a third hand would add none of its
    own. Instead whoever asked for the run may not approve it either.
    :param sums: those that were checked
    :param has_taken_readings: whether `by` had a hand in any that the run's bills rest on
    :raises BillRunDecided: if the run was approved or rejected
    :raises BillRunNotCalculated: if it has not come to its end
    :raises OwnBillRun: if `by` asked for it
    :raises OwnReadings: if `by` took one of its readings, or corrected it
    :raises ControlSumsDiffer: if it comes to something else
    """
    check_undecided(run)
    if run.state != "calculated":
        so_far = f"{run.chunks_calculated} of {run.chunks} chunks"
        raise BillRunNotCalculated(f"{so_far} of run {run.bill_run_id} are calculated")
    if run.requested_by == by.name:
        raise OwnBillRun(f"{by.name} asked for run {run.bill_run_id}")
    if has_taken_readings:
        raise OwnReadings(f"{by.name} had a hand in readings of run {run.bill_run_id}")
    found = ControlSums(run.calculated, run.calculated_kwh, run.calculated_fen)
    if sums != found:
        raise ControlSumsDiffer(f"checked: {sums}; run {run.bill_run_id}: {found}")


def digest(bill: Bill) -> bytes:
    """Return what tells a bill from any other of its account, whenever it is issued."""
    said = (
        bill.bill_no,
        bill.category,
        *_said(bill.previous),
        *_said(bill.reading),
        str(bill.multiplier.normalize()),
        bill.consumption_kwh,
        # By name: what a release adds to a line is added here when it can differ, and not before.
        *(
            (
                line.portion,
                line.component,
                line.period,
                line.tier,
                str(line.quantity),
                line.unit,
                line.price,
                line.amount_fen,
                line.is_levy,
                line.version,
                line.days,
            )
            for line in bill.lines
        ),
        *(() if bill.power_factor is None else (bill.power_factor, bill.reactive_kvarh)),
    )
    return hashlib.sha256(repr(said).encode()).digest()[:_DIGEST_BYTES]


def _said(stand: Stand) -> tuple[str, str]:
    return stand.read_at.astimezone(UTC).isoformat(), str(stand.register.normalize())
