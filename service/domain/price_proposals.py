"""Price proposals: drafts of price lists on their way to publication, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

from service.domain.errors import Conflict, Forbidden, Missing
from service.domain.months import Month
from service.domain.price_drafts import PriceDraft
from service.domain.re_ratings import ReRating

Step = Literal["drafted", "tested", "approved", "rejected", "published"]
# What a proposal must have come to before each step.
_AFTER: Mapping[Step, frozenset[Step]] = MappingProxyType(
    {
        "tested": frozenset({"drafted", "tested"}),
        "approved": frozenset({"tested"}),
        "rejected": frozenset({"drafted", "tested", "approved"}),
        "published": frozenset({"approved"}),
    }
)
# Steps that whoever drafted may not take: the price of everybody needs two people.
_BY_ANOTHER: frozenset[Step] = frozenset({"tested", "approved"})


class ProposalUnknown(Missing):
    """No price proposal has this number."""

    code = "PRICE_PROPOSAL_UNKNOWN"
    hint = "List the proposals; a draft is answered with its number."


class StepOutOfOrder(Conflict):
    """A proposal has not come to where this step follows, or is past it."""

    code = "STEP_OUT_OF_ORDER"
    hint = "Draft, test, approve, publish; what was rejected is drafted anew."


class SameHand(Forbidden):
    """Whoever drafted prices may not test or approve them."""

    code = "SAME_HAND"
    hint = "Let somebody else of the head office take this step."


class BillsUnpriced(Conflict):
    """In the test, bills could not be calculated at the proposed prices."""

    code = "BILLS_UNPRICED"
    hint = "See the first refusal in the test; reject the proposal, draft one without the gap."


class ValidityBilled(Conflict):
    """Prices cannot begin in a month that is billed already, or being billed."""

    code = "VALIDITY_BILLED"
    hint = "Draft it with a first day after the newest billed month; corrections are bills."


class ValidityTaken(Conflict):
    """Another price list of the category begins on this day."""

    code = "VALIDITY_TAKEN"
    hint = "Draft it with another first day: what is published is never replaced."


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalEvent:
    """
    One step that was taken, by whom.

    `reason` is that of a rejection, `test` what a test found; both are null elsewhere.
    """

    step: Step
    done_by: str
    happened_at: datetime
    reason: str | None = None
    test: ReRating | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceProposal:
    """A draft with every step it has taken, the newest last; `state` is the last one."""

    proposal_no: int
    state: Step
    draft: PriceDraft
    events: tuple[ProposalEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalSummary:
    """A proposal in a list."""

    proposal_no: int
    state: Step
    category: str
    legal_document: str
    valid_from: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalPage:
    """Proposals, the newest first."""

    items: list[ProposalSummary]
    next_cursor: str | None


def check_step(proposal: PriceProposal, step: Step, *, by: str) -> None:
    """
    Let a step pass that follows from those before, taken by whom it may be taken.

    Source: domain rules 3.4 (process `tariff_publication`, separate duties).
    :raises StepOutOfOrder: if it does not follow
    :raises SameHand: if whoever drafted wants to test or approve
    :raises BillsUnpriced: if the newest test, before an approval, refused a bill
    """
    if proposal.state not in _AFTER[step]:
        raise StepOutOfOrder(f"proposal {proposal.proposal_no} was {proposal.state}")
    newest = proposal.events[-1].test
    if step in _BY_ANOTHER and proposal.events[0].done_by == by:
        raise SameHand(f"{by} drafted proposal {proposal.proposal_no}")
    if step == "approved" and newest is not None and newest.refused:
        raise BillsUnpriced(f"{newest.refused} of {newest.bills} bills: {newest.first_refusal}")


def check_validity(draft: PriceDraft, *, newest_billed: Month | None, is_taken: bool) -> None:
    """
    Let prices pass that begin after everything billed, on a day that no other list begins.

    :raises ValidityBilled: if a bill of that month or a later one was made, or is being made
    :raises ValidityTaken: if another list begins on the day
    """
    if newest_billed is not None and Month.of(draft.valid_from) <= newest_billed:
        raise ValidityBilled(f"from {draft.valid_from}, while {newest_billed} is billed")
    if is_taken:
        raise ValidityTaken(f"{draft.category} from {draft.valid_from}")
