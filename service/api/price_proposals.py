"""HTTP for price proposals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.sign_in import Nothing
from service.api.trials import Kwh, PeriodName, PriceOfAny, TiersSent
from service.api.validation import Page, Text, parameters
from service.domain.calendars import QUARTERS, DayType
from service.domain.idempotency import Answer
from service.domain.price_drafts import PriceDraft
from service.domain.price_proposals import PriceProposal, ProposalPage
from service.usecases.price_proposals import (
    approve_prices,
    draft_prices,
    list_proposals,
    proposal_by_no,
    publish_prices,
    re_rate_prices,
    reject_prices,
)

_EXAMPLE = {
    "category": "residential",
    "legal_document": "Price order 12/2027",
    "valid_from": "2027-01-01",
    "prices": [
        {"component": "energy", "price_yuan": "0.58", "tier": 1},
        {"component": "energy", "price_yuan": "0.63", "tier": 2},
        {"component": "energy", "price_yuan": "0.88", "tier": 3},
    ],
    "tiers": {"basis": "month", "limits_kwh": [170, 260]},
}


# Times that a meter's clock can tell apart; what is said of them is checked further in.
_Clock = Annotated[str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):(00|15|30|45)|24:00)$(?!\n)")]
_YearDay = Annotated[str, msgspec.Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$(?!\n)")]
_Few = msgspec.Meta(min_length=1, max_length=12)


class StretchSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of the day within one period, "08:00" to "24:00", in quarters of an hour."""

    starts: _Clock
    ends: _Clock
    period: PeriodName


class DayPlanSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The periods of each day of these types; together they cover the day, each quarter once."""

    types: Annotated[list[DayType], _Few]
    stretches: Annotated[list[StretchSent], msgspec.Meta(min_length=1, max_length=QUARTERS)]


class SeasonSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The days from `first` to `last`, "07-01" to "09-30"; each type of day has one plan."""

    first: _YearDay
    last: _YearDay
    plans: Annotated[list[DayPlanSent], _Few]


class CalendarSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the periods are, in business time; the seasons cover the year, each day once."""

    seasons: Annotated[list[SeasonSent], _Few]


class PriceProposed(PriceOfAny, frozen=True, forbid_unknown_fields=True):
    """A price as trials take it, or of the component `basic`: in yuan per kVA or kW a month."""

    unit: Literal["kWh", "month", "kVA", "kW"] = "kWh"


class PricesSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A draft; `prices` in the order of a bill's lines, the document's number as it is cited.

    With prices for periods of the day it says when these are.
    """

    category: Text
    legal_document: Text
    valid_from: date
    prices: Annotated[list[PriceProposed], msgspec.Meta(min_length=1, max_length=100)]
    tiers: TiersSent | None = None
    free_kwh: Kwh = 0
    calendar: CalendarSent | None = None


class ReasonSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why something that was proposed is rejected."""

    reason: Text


_PRICES, _REASON, _NOTHING = JsonBody(PricesSent), JsonBody(ReasonSent), JsonBody(Nothing)


class PriceProposals(Resource):
    """`/v1/price-proposals`"""

    @promises(
        Operation(
            summary="List the proposals of prices, newest first; a page at a time.",
            permission="price_proposals.read",
            query=Page,
            answer=ProposalPage,
        )
    )
    def on_get(self, req: Request, resp: Response) -> None:
        """List."""
        asked = parameters(req.params, Page)
        page = list_proposals(
            database=req.database,
            caller=req.caller,
            limit=asked.limit,
            cursor=asked.cursor,
            deadline=req.deadline,
        )
        answers.found(req, resp, page)

    @promises(
        Operation(
            summary="Draft a price list; it prices nothing until it is published.",
            permission="price_proposals.draft",
            body=PricesSent,
            example=_EXAMPLE,
            answer=PriceProposal,
            status=201,
            headers={"Location": "Where the proposal can be read."},
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Draft."""
        once, sent = _PRICES.read(req)
        answer = draft_prices(
            database=req.database,
            caller=req.caller,
            once=once,
            draft=msgspec.convert(sent, PriceDraft, from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class PriceProposalByNumber(Resource):
    """`/v1/price-proposals/{proposal_no}`"""

    @promises(
        Operation(
            summary="Read a proposal with every step it has taken, by whom.",
            permission="price_proposals.read",
            answer=PriceProposal,
        )
    )
    def on_get(self, req: Request, resp: Response, proposal_no: int) -> None:
        """Read."""
        proposal = proposal_by_no(
            database=req.database,
            caller=req.caller,
            proposal_no=proposal_no,
            deadline=req.deadline,
        )
        answers.found(req, resp, proposal)


class PriceTests(Resource):
    """`/v1/price-proposals/{proposal_no}/tests`"""

    @promises(
        Operation(
            summary="Re-rate issued bills by the draft, and record what would change.",
            permission="price_proposals.test",
            body=Nothing,
            example={},
            answer=PriceProposal,
        )
    )
    def on_post(self, req: Request, resp: Response, proposal_no: int) -> None:
        """Test."""
        _take(req, resp, proposal_no, now=self._clock(), step=re_rate_prices)


class PriceApprovals(Resource):
    """`/v1/price-proposals/{proposal_no}/approvals`"""

    @promises(
        Operation(
            summary="Approve a tested draft that somebody else has made.",
            permission="price_proposals.decide",
            body=Nothing,
            example={},
            answer=PriceProposal,
        )
    )
    def on_post(self, req: Request, resp: Response, proposal_no: int) -> None:
        """Approve."""
        _take(req, resp, proposal_no, now=self._clock(), step=approve_prices)


class PriceRejections(Resource):
    """`/v1/price-proposals/{proposal_no}/rejections`"""

    @promises(
        Operation(
            summary="Reject a proposal that is not published, for a reason.",
            permission="price_proposals.decide",
            body=ReasonSent,
            example={"reason": "The order was withdrawn."},
            answer=PriceProposal,
        )
    )
    def on_post(self, req: Request, resp: Response, proposal_no: int) -> None:
        """Reject."""
        once, sent = _REASON.read(req)
        answer = reject_prices(
            database=req.database,
            caller=req.caller,
            once=once,
            proposal_no=proposal_no,
            reason=sent.reason,
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class PricePublications(Resource):
    """`/v1/price-proposals/{proposal_no}/publications`"""

    @promises(
        Operation(
            summary="Publish an approved price list, for every bureau; it is never changed again.",
            permission="price_proposals.decide",
            body=Nothing,
            example={},
            answer=PriceProposal,
        )
    )
    def on_post(self, req: Request, resp: Response, proposal_no: int) -> None:
        """Publish."""
        _take(req, resp, proposal_no, now=self._clock(), step=publish_prices)


def _take(
    req: Request, resp: Response, proposal_no: int, *, now: datetime, step: Callable[..., Answer]
) -> None:
    """Take a step that needs nothing but its proposal."""
    once, _ = _NOTHING.read(req)
    answer = step(
        database=req.database,
        caller=req.caller,
        once=once,
        proposal_no=proposal_no,
        now=now,
        deadline=req.deadline,
    )
    answers.given(resp, answer)
