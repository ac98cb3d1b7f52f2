"""Price proposals in the database: a draft with its steps, then the bills that test it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from service.domain import cursors
from service.domain.bill_bases import first_month
from service.domain.bills import household_of
from service.domain.meter_exchanges import UpgradeUnderWay
from service.domain.months import Month, months_between
from service.domain.price_drafts import PriceDraft
from service.domain.price_proposals import (
    PriceProposal,
    ProposalEvent,
    ProposalPage,
    ProposalSummary,
    ProposalUnknown,
    Step,
)
from service.domain.re_ratings import BILLS, Rated, ReRating
from service.domain.tou import Energy
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("price_proposals")
_AFTER_ALL = 2**31


def add(transaction: Transaction, *, draft: PriceDraft) -> int:
    """
    Record a draft; return its number.

    :raises UpgradeUnderWay: of a category that some program knows nothing of yet
    """
    under_way = UpgradeUnderWay("the release is not whole yet")
    transaction.on_conflict("price_proposal_category_check", under_way)
    added = transaction.one(
        _SQL["add_proposal"],
        category=draft.category,
        legal_document=draft.legal_document,
        valid_from=draft.valid_from,
        draft=msgspec.json.encode(draft).decode(),
    )
    assert added is not None, "an INSERT of one row returns it"
    proposal_no: int = added[0]
    return proposal_no


def record(
    transaction: Transaction,
    *,
    proposal_no: int,
    step: Step,
    principal_id: int,
    now: datetime,
    reason: str | None = None,
    test: ReRating | None = None,
) -> None:
    """Record a step of a proposal; `publish` records its own."""
    transaction.run(
        _SQL["add_event"],
        proposal_no=proposal_no,
        step=step,
        principal_id=principal_id,
        happened_at=now,
        reason=reason,
        test=msgspec.json.encode(test).decode() if test else None,
    )


def lock(transaction: Transaction, proposal_no: int) -> None:
    """Let nobody else take a step of the proposal until the transaction ends."""
    transaction.one(_SQL["lock_proposal"], proposal_no=proposal_no)


def lock_prices(transaction: Transaction) -> None:
    """Let nobody start a bill run, or publish prices, until the transaction ends."""
    transaction.one(_SQL["lock_prices"])


def publish(
    transaction: Transaction, *, proposal_no: int, principal_id: int, now: datetime
) -> None:
    """Make a price list of a proposal that was approved."""
    transaction.one(
        _SQL["publish"], proposal_no=proposal_no, principal_id=principal_id, happened_at=now
    )


def by_no(transaction: Transaction, proposal_no: int) -> PriceProposal:
    """
    Return a proposal with its steps.

    :raises ProposalUnknown: if there is none with this number
    """
    found = transaction.one(_SQL["proposal_by_no"], proposal_no=proposal_no)
    if found is None:
        raise ProposalUnknown(f"no price proposal {proposal_no}")
    rows = transaction.all(_SQL["events_of_proposal"], proposal_no=proposal_no)
    events = tuple(map(_event, rows))
    return PriceProposal(
        proposal_no=proposal_no,
        state=events[-1].step,
        draft=msgspec.json.decode(found[0], type=PriceDraft),
        events=events,
    )


def page(transaction: Transaction, *, limit: int, cursor: str | None) -> ProposalPage:
    """
    Return up to `limit` proposals, the newest first, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    before_no = cursors.decode(cursor, int)[0] if cursor else _AFTER_ALL
    rows = transaction.all(_SQL["proposals_before"], before_no=before_no, limit=limit + 1)
    is_more = len(rows) > limit
    return ProposalPage(
        items=[
            ProposalSummary(
                proposal_no=row[0],
                state=row[1],
                category=row[2],
                legal_document=row[3],
                valid_from=row[4],
            )
            for row in rows[:limit]
        ],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )


def is_taken(transaction: Transaction, draft: PriceDraft) -> bool:
    """Tell if a price list of the category begins on the same day."""
    names = {"category": draft.category, "valid_from": draft.valid_from}
    return transaction.one(_SQL["list_begins_on"], **names) is not None


def newest_run_month(transaction: Transaction) -> Month | None:
    """Return the newest month that a bill run was asked for."""
    return _month(transaction.one(_SQL["newest_run_month"]))


def newest_month_with_bills(transaction: Transaction, *, category: str) -> Month | None:
    """Return the newest month that has bills of a category in force, of those billed last."""
    return _month(transaction.one(_SQL["newest_month_with_bills"], category=category))


def sample(
    transaction: Transaction, *, category: str, month: Month, proposal_no: int
) -> Iterator[Rated]:
    """Yield bills of a month to test prices on, the same ones for the same proposal."""
    rows = transaction.all(
        _SQL["sample_of_bills"],
        category=category,
        month=month.first_day,
        year_starts=month.first_day.replace(month=1),
        seed=proposal_no,
        limit=BILLS,
    )
    for row in rows:
        account_no, kwh, amount_fen, previous_read_at, opened_on, before, before_kwh = row[:7]
        last_billed = Month.of(before) if before else None
        first = first_month(last_billed, previous_read_at=previous_read_at)
        yield Rated(
            account_no=account_no,
            energy=_energy(kwh, by_period=row[9] or {}),
            amount_fen=amount_fen,
            household=household_of(
                month=month,
                months=months_between(first, month),
                opened_on=opened_on,
                before_kwh=before_kwh,
                persons=row[7] or 1,
                subsidy=row[8] or "none",
            ),
        )


def _energy(kwh: int, *, by_period: Mapping[str, int]) -> Energy:
    """Return a bill's energy by the periods it was billed by; what was billed by none is flat."""
    told = Energy(**by_period)
    return told + Energy(flat=kwh - told.total_kwh)


def _event(row: Row) -> ProposalEvent:
    step, done_by, happened_at, reason, test = row
    return ProposalEvent(
        step=step,
        done_by=done_by,
        happened_at=happened_at,
        reason=reason,
        test=msgspec.json.decode(test, type=ReRating) if test else None,
    )


def _month(row: Row | None) -> Month | None:
    assert row is not None, "one row, whatever is found"
    return Month.of(row[0]) if row[0] else None
