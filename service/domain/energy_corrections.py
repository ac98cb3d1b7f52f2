"""Energy corrections: what the metering counted wrongly is billed, or given back, by two hands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from service.domain.bill_cancellations import HEAD_OFFICE_ABOVE_FEN, AmountForHeadOffice
from service.domain.bill_details import BillLine
from service.domain.errors import Conflict, Forbidden, Missing
from service.domain.metering_faults import Facts, FaultKind
from service.domain.principals import Caller, Role

Step = Literal["requested", "approved", "rejected"]
Cause = Literal[FaultKind, "reversal"]


class EnergyCorrectionUnknown(Missing):
    """No correction of energy has this number."""

    code = "ENERGY_CORRECTION_UNKNOWN"
    hint = "List the corrections; a request is answered with its number."


class EnergyCorrectionPending(Conflict):
    """A correction of the account's energy was asked for, and nobody has decided yet."""

    code = "ENERGY_CORRECTION_PENDING"
    hint = "Decide about the correction that was asked for."


class EnergyCorrectionDecided(Conflict):
    """The correction was approved or rejected."""

    code = "ENERGY_CORRECTION_DECIDED"
    hint = "Ask for another correction, or for the reversal of this one if it was approved."


class EnergyCorrectionOverlaps(Conflict):
    """Some of the days were corrected before: what was billed of them is no measurement."""

    code = "ENERGY_CORRECTION_OVERLAPS"
    hint = "Reverse the correction before; then ask for one of all that was wrong, by agreed_kwh."


class EnergyCorrectionStale(Conflict):
    """What was asked for would come to something else by now: other bills, other prices."""

    code = "ENERGY_CORRECTION_STALE"
    hint = "Reject it, and ask for the correction anew."


class OwnEnergyCorrection(Forbidden):
    """Whoever asks for a correction may not approve it."""

    code = "OWN_ENERGY_CORRECTION"
    hint = "Let somebody else approve it; you may reject it, which withdraws it."


class NotReversible(Conflict):
    """Only what was approved can be reversed, once; a reversal cannot."""

    code = "ENERGY_CORRECTION_NOT_REVERSIBLE"
    hint = "Read its state, and what reversed it; ask for a correction if energy is still wrong."


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyCorrectionOrder:
    """
    What a correction is asked for: a fault of an account's metering, as it was found out.

    It lasted from `since` (of a meter's error: the day of its last test, or of its installation)
    up to, not into, `until`, when it was put right.
    """

    account_no: str
    facts: Facts
    since: date
    until: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyCorrectionEvent:
    """One step that was taken, by whom; `reason` is null for an approval."""

    step: Step
    done_by: str
    happened_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedBill:
    """
    What a correction comes to for one bill.

    `base_kwh` of that bill were measured in the `days` that it shares with the correction. Once it
    is approved, `correction_bill_no` bills `kwh` by these lines, or gives them back.
    """

    bill_no: str
    days: int
    base_kwh: int
    kwh: int
    amount_fen: int
    correction_bill_no: str | None
    lines: tuple[BillLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyCorrection:
    """
    A correction with its calculation and every step it has taken; `state` is the last one.

    The fault lasted from `since` up to, not into, `until`; its energy counts from `counts_from` on.
    `fact` is what was found out: the meter's error as a fraction, the factor of wrong wiring, the
    true multiplier, the energy agreed upon in kWh; null for the reversal of `reverses_no`.
    `calculation` says in words how `kwh` came about of `base_kwh` that were measured; below zero
    they are given back. One that was reversed names `reversed_by_no`.
    """

    energy_correction_no: int
    state: Step
    account_no: str
    cause: Cause
    fact: str | None
    since: date
    counts_from: date
    until: date
    calculation: str
    base_kwh: int
    kwh: int
    amount_fen: int
    reverses_no: int | None
    reversed_by_no: int | None
    bills: tuple[CorrectedBill, ...]
    events: tuple[EnergyCorrectionEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyCorrectionSummary:
    """A correction in a list."""

    energy_correction_no: int
    state: Step
    account_no: str
    cause: Cause
    kwh: int
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyCorrectionPage:
    """Corrections, the newest first."""

    items: list[EnergyCorrectionSummary]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionStanding:
    """
    What a correction of an account's energy is judged by.

    `pending` is a request that nobody decided about, `overlapping` a correction in force that
    shares a day with this one; None if there is none. `moved_fen` are what the corrections and
    reversals that were approved within a year came to, whichever way.
    """

    pending: int | None
    overlapping: int | None
    moved_fen: int


def check_none_pending(standing: CorrectionStanding) -> None:
    """
    Let a request pass beside which no other of the account waits.

    :raises EnergyCorrectionPending: if one does
    """
    if standing.pending is not None:
        raise EnergyCorrectionPending(f"energy correction {standing.pending} waits for a decision")


def check_request(standing: CorrectionStanding) -> None:
    """
    Let a request pass beside which none waits, and that corrects no day twice.

    :raises EnergyCorrectionPending: if another of the account waits for a decision
    :raises EnergyCorrectionOverlaps: if one of its days was corrected before
    """
    check_none_pending(standing)
    if standing.overlapping is not None:
        raise EnergyCorrectionOverlaps(f"energy correction {standing.overlapping} is in force")


def check_reversal(correction: EnergyCorrection) -> None:
    """
    Let the reversal of a correction pass that is in force.

    :raises NotReversible: if it was not approved, is a reversal, or was reversed
    """
    number = correction.energy_correction_no
    if correction.state != "approved" or correction.reverses_no is not None:
        raise NotReversible(f"energy correction {number} is {correction.state}")
    if correction.reversed_by_no is not None:
        raise NotReversible(f"{correction.reversed_by_no} reversed energy correction {number}")


def check_undecided(correction: EnergyCorrection) -> None:
    """
    Let a decision pass that is the first one.

    :raises EnergyCorrectionDecided: if there was one
    """
    if correction.state != "requested":
        number = correction.energy_correction_no
        raise EnergyCorrectionDecided(f"energy correction {number} was {correction.state}")


def check_approval(
    correction: EnergyCorrection, standing: CorrectionStanding, *, by: Caller
) -> None:
    """
    Let an approval pass by another hand, of a rank that the amounts ask for.

    Both ways count, as do the year's other corrections and reversals of the account: nothing is
    hidden by what goes the other way, nothing is made small by being cut.

    Source: domain rules 3.4 (process `correction`, separate duties, levels by amount).
    :raises EnergyCorrectionDecided: if it was approved or rejected
    :raises OwnEnergyCorrection: if `by` asked for it
    :raises AmountForHeadOffice: if it is over more than a bureau decides about, and `by` no head
        office
    """
    check_undecided(correction)
    number = correction.energy_correction_no
    if correction.events[0].done_by == by.name:
        raise OwnEnergyCorrection(f"{by.name} asked for energy correction {number}")
    moved_fen = standing.moved_fen + sum(abs(bill.amount_fen) for bill in correction.bills)
    if moved_fen > HEAD_OFFICE_ABOVE_FEN and by.role != Role.HEAD_OFFICE:
        raise AmountForHeadOffice(f"energy correction {number} is over {moved_fen} fen in a year")
