"""How prices come to be: drafted, tested on real bills, approved by another, published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from service.domain.idempotency import Answer, Once
from service.domain.numbers import INTEGER_MAX, known_number
from service.domain.permissions import check
from service.domain.price_drafts import PriceDraft, checked
from service.domain.price_proposals import (
    PriceProposal,
    ProposalPage,
    ProposalUnknown,
    Step,
    check_step,
    check_validity,
)
from service.domain.principals import Caller
from service.domain.re_ratings import ReRating, re_rated
from service.store import price_proposals as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once

Take = Callable[[Transaction, PriceProposal], None]


def draft_prices(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    draft: PriceDraft,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Record a draft of a price list.

    :raises RoleForbidden: if the caller does not draft prices
    :raises CentralOnly: if the caller belongs to a bureau
    :raises Invalid: if bills could not be calculated by it (`price_drafts.checked` says how)
    :raises ValidityBilled: if it begins in a month that is billed
    :raises ValidityTaken: if another list of the category begins on its day
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "price_proposals.draft")
    checked(draft)

    def work(transaction: Transaction) -> Answer:
        _check_validity(transaction, draft)
        proposal_no = store.add(transaction, draft=draft)
        store.record(
            transaction,
            proposal_no=proposal_no,
            step="drafted",
            principal_id=caller.principal_id,
            now=now,
        )
        return Answer(
            status=201,
            body=msgspec.json.encode(store.by_no(transaction, proposal_no)),
            headers={"Location": f"/v1/price-proposals/{proposal_no}"},
        )

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def re_rate_prices(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    proposal_no: int,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Re-rate bills of the category's newest billed month by a draft; record what would change.

    :raises RoleForbidden: if the caller does not test prices
    :raises CentralOnly: if the caller belongs to a bureau
    :raises ProposalUnknown: if there is no such proposal
    :raises StepOutOfOrder: if it was approved, rejected, or published
    :raises SameHand: if the caller drafted it
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "price_proposals.test")

    def take(transaction: Transaction, proposal: PriceProposal) -> None:
        _record(transaction, proposal, "tested", caller, now, test=_tested(transaction, proposal))

    return _step(database, caller, once, proposal_no, "tested", take, now=now, deadline=deadline)


def approve_prices(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    proposal_no: int,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Approve a draft that was tested.

    :raises RoleForbidden: if the caller does not decide about prices
    :raises CentralOnly: if the caller belongs to a bureau
    :raises ProposalUnknown: if there is no such proposal
    :raises StepOutOfOrder: if it was not tested, or went on since
    :raises SameHand: if the caller drafted it
    :raises BillsUnpriced: if bills of the test could not be calculated
    :raises Invalid: if bills could not be calculated by it, as is known by now
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "price_proposals.decide")

    def take(transaction: Transaction, proposal: PriceProposal) -> None:
        checked(proposal.draft)  # it may have been drafted by a release that asked for less
        _record(transaction, proposal, "approved", caller, now)

    return _step(database, caller, once, proposal_no, "approved", take, now=now, deadline=deadline)


def reject_prices(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    proposal_no: int,
    reason: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Reject a proposal, for a reason, before it is published.

    :raises RoleForbidden: if the caller does not decide about prices
    :raises CentralOnly: if the caller belongs to a bureau
    :raises ProposalUnknown: if there is no such proposal
    :raises StepOutOfOrder: if it was rejected or published
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "price_proposals.decide")

    def take(transaction: Transaction, proposal: PriceProposal) -> None:
        _record(transaction, proposal, "rejected", caller, now, reason=reason)

    return _step(database, caller, once, proposal_no, "rejected", take, now=now, deadline=deadline)


def publish_prices(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    proposal_no: int,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Publish what was approved: from its first day on, it prices every bill of its category.

    :raises RoleForbidden: if the caller does not decide about prices
    :raises CentralOnly: if the caller belongs to a bureau
    :raises ProposalUnknown: if there is no such proposal
    :raises StepOutOfOrder: if it was not approved, or went on since
    :raises ValidityBilled: if its first month was billed meanwhile
    :raises ValidityTaken: if another list begins on its day meanwhile
    :raises Invalid: if bills could not be calculated by it, as is known by now
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "price_proposals.decide")

    def take(transaction: Transaction, proposal: PriceProposal) -> None:
        checked(proposal.draft)
        store.lock_prices(transaction)
        _check_validity(transaction, proposal.draft)
        store.publish(
            transaction, proposal_no=proposal_no, principal_id=caller.principal_id, now=now
        )

    return _step(database, caller, once, proposal_no, "published", take, now=now, deadline=deadline)


def proposal_by_no(
    *, database: Database, caller: Caller, proposal_no: int, deadline: float
) -> PriceProposal:
    """
    Return a proposal with every step it has taken.

    :raises RoleForbidden: if the caller does not see proposals
    :raises ProposalUnknown: if there is no such proposal
    """
    check(caller, "price_proposals.read")
    number = known_number(proposal_no, ProposalUnknown, most=INTEGER_MAX)
    return database.read(
        lambda transaction: store.by_no(transaction, number),
        scope=caller.scope,
        deadline=deadline,
    )


def list_proposals(
    *, database: Database, caller: Caller, limit: int, cursor: str | None, deadline: float
) -> ProposalPage:
    """
    Return a page of proposals, the newest first.

    :raises RoleForbidden: if the caller does not see proposals
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "price_proposals.read")
    return database.read(
        lambda transaction: store.page(transaction, limit=limit, cursor=cursor),
        scope=caller.scope,
        deadline=deadline,
    )


def _step(
    database: Database,
    caller: Caller,
    once: Once,
    proposal_no: int,
    step: Step,
    take: Take,
    *,
    now: datetime,
    deadline: float,
) -> Answer:
    """Take a step if it follows from those before, one at a time; answer with the proposal."""
    known_number(proposal_no, ProposalUnknown, most=INTEGER_MAX)

    def work(transaction: Transaction) -> Answer:
        store.lock(transaction, proposal_no)
        proposal = store.by_no(transaction, proposal_no)
        check_step(proposal, step, by=caller.name)
        take(transaction, proposal)
        body = msgspec.json.encode(store.by_no(transaction, proposal_no))
        return Answer(status=200, body=body, headers={})

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def _record(
    transaction: Transaction,
    proposal: PriceProposal,
    step: Step,
    caller: Caller,
    now: datetime,
    *,
    reason: str | None = None,
    test: ReRating | None = None,
) -> None:
    store.record(
        transaction,
        proposal_no=proposal.proposal_no,
        step=step,
        principal_id=caller.principal_id,
        now=now,
        reason=reason,
        test=test,
    )


def _tested(transaction: Transaction, proposal: PriceProposal) -> ReRating:
    tariff = proposal.draft.tariff(version=str(proposal.proposal_no))
    month = store.newest_month_with_bills(transaction, category=proposal.draft.category)
    if month is None:
        return re_rated(tariff, (), month=None)
    bills = store.sample(
        transaction,
        category=proposal.draft.category,
        month=month,
        proposal_no=proposal.proposal_no,
    )
    return re_rated(tariff, bills, month=str(month))


def _check_validity(transaction: Transaction, draft: PriceDraft) -> None:
    check_validity(
        draft,
        newest_billed=store.newest_run_month(transaction),
        is_taken=store.is_taken(transaction, draft),
    )
