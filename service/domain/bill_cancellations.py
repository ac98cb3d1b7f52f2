"""Bill cancellations: a bill that was wrong is taken back by its mirror, then billed anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.domain.calculations import Line
from service.domain.errors import Conflict, Forbidden, Missing
from service.domain.months import Month
from service.domain.principals import Caller, Role

Step = Literal["requested", "approved", "rejected"]

HEAD_OFFICE_ABOVE_FEN = 50_000_00
"""
Above this the head office approves.

Of the three levels of domain rule 3.4 (`correction`) the upper two: a supply bureau's section heads
are billing officers here.
"""
SERIAL_MAX = 97
"""The last serial that a mirror (98) and another bill (99) can follow: a number has two digits."""


class CancellationUnknown(Missing):
    """No cancellation has this number."""

    code = "BILL_CANCELLATION_UNKNOWN"
    hint = "List the cancellations; a request is answered with its number."


class BillNotInForce(Conflict):
    """The bill was cancelled, is the mirror of one that was, or a correction of another."""

    code = "BILL_NOT_IN_FORCE"
    hint = "Read the account's bills: one in force can be cancelled; a correction is reversed."


class BillNotNewest(Conflict):
    """A later bill of the account begins where this one ends."""

    code = "BILL_NOT_NEWEST"
    hint = "Cancel the account's later bills first, the newest first."


class BillCorrected(Conflict):
    """Energy of the bill was corrected by bills of their own, which would stay."""

    code = "BILL_CORRECTED"
    hint = "Reverse the corrections of its energy first."


class CancelledTooOften(Conflict):
    """The month of the bill has no number left for the bill that would follow."""

    code = "CANCELLED_TOO_OFTEN"
    hint = "Leave this bill in force; settle the rest with the bill of a later month."


class CancellationPending(Conflict):
    """Somebody has asked for the bill's cancellation, and nobody has decided yet."""

    code = "CANCELLATION_PENDING"
    hint = "Decide about the cancellation that was asked for."


class CancellationDecided(Conflict):
    """The cancellation was approved or rejected."""

    code = "CANCELLATION_DECIDED"
    hint = "Ask for another cancellation, if the bill is still in force."


class OwnCancellation(Forbidden):
    """Whoever asks for a cancellation may not approve it."""

    code = "OWN_CANCELLATION"
    hint = "Let somebody else approve it; you may reject it, which withdraws it."


class AmountForHeadOffice(Forbidden):
    """A bill, or a correction, is over more than a bureau decides about."""

    code = "AMOUNT_FOR_HEAD_OFFICE"
    hint = "Let the head office approve it."


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationEvent:
    """One step that was taken, by whom; `reason` is null for an approval."""

    step: Step
    done_by: str
    happened_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillCancellation:
    """
    A bill's cancellation with every step it has taken, the newest last; `state` is the last one.

    Once it is approved, `mirror_bill_no` takes the bill back, and a bill run bills the month anew.
    """

    cancellation_no: int
    state: Step
    bill_no: str
    amount_fen: int
    mirror_bill_no: str | None
    events: tuple[CancellationEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationSummary:
    """A cancellation in a list."""

    cancellation_no: int
    state: Step
    bill_no: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationPage:
    """Cancellations, the newest first."""

    items: list[CancellationSummary]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillStanding:
    """
    How a bill stands among those of its account; `pending` is a request nobody decided about.

    One that `is_corrected` has corrections of its energy in force.
    """

    bill_no: str
    month: Month
    serial: int
    is_in_force: bool
    newest_billed: Month | None
    pending: int | None
    is_corrected: bool = False


def check_request(standing: BillStanding) -> None:
    """
    Let a request pass for a bill that can be cancelled now.

    :raises BillNotInForce: if it was cancelled, or is a mirror
    :raises BillNotNewest: if a later month is billed
    :raises CancellationPending: if a request for it waits for a decision
    :raises BillCorrected: if its energy was corrected
    :raises CancelledTooOften: if its month has no number left
    """
    if not standing.is_in_force:
        raise BillNotInForce(f"bill {standing.bill_no} is not in force")
    if standing.newest_billed is not None and standing.newest_billed > standing.month:
        raise BillNotNewest(f"the account is billed up to {standing.newest_billed}")
    if standing.pending is not None:
        raise CancellationPending(f"cancellation {standing.pending} waits for a decision")
    _check_uncorrected(standing)
    if standing.serial > SERIAL_MAX:
        raise CancelledTooOften(f"bill {standing.bill_no} is number {standing.serial} of its month")


def check_undecided(cancellation: BillCancellation) -> None:
    """
    Let a decision pass that is the first one.

    :raises CancellationDecided: if there was one
    """
    if cancellation.state != "requested":
        number = cancellation.cancellation_no
        raise CancellationDecided(f"cancellation {number} was {cancellation.state}")


def check_approval(cancellation: BillCancellation, standing: BillStanding, *, by: Caller) -> None:
    """
    Let an approval pass by another hand, of a rank that the amount asks for.

    Source: domain rules 3.4 (process `correction`, separate duties, levels by amount).
    :raises CancellationDecided: if it was approved or rejected
    :raises OwnCancellation: if `by` asked for it
    :raises AmountForHeadOffice: if it is over more than `HEAD_OFFICE_ABOVE_FEN`, and `by` no head
        office
    :raises BillNotNewest: if a later month was billed meanwhile
    :raises BillCorrected: if its energy was corrected meanwhile
    """
    check_undecided(cancellation)
    if cancellation.events[0].done_by == by.name:
        raise OwnCancellation(f"{by.name} asked for cancellation {cancellation.cancellation_no}")
    is_large = abs(cancellation.amount_fen) > HEAD_OFFICE_ABOVE_FEN
    if is_large and by.role != Role.HEAD_OFFICE:
        bill_no, fen = cancellation.bill_no, cancellation.amount_fen
        raise AmountForHeadOffice(f"bill {bill_no} is over {fen} fen")
    if standing.newest_billed is not None and standing.newest_billed > standing.month:
        raise BillNotNewest(f"the account is billed up to {standing.newest_billed}")
    _check_uncorrected(standing)


def _check_uncorrected(standing: BillStanding) -> None:
    if standing.is_corrected:
        raise BillCorrected(f"bill {standing.bill_no}")


def mirrored(lines: Iterable[Line]) -> list[Line]:
    """Return the same lines with the opposite signs: a bill and its mirror come to nothing."""
    return [line._replace(quantity=-line.quantity, amount_fen=-line.amount_fen) for line in lines]
