"""How a correction of energy is decided about by another hand; bills, books, money follow."""

from __future__ import annotations

from datetime import datetime, timedelta

from service.domain import ledger
from service.domain.bills import DAYS_TO_PAY
from service.domain.energy_corrections import (
    EnergyCorrection,
    EnergyCorrectionStale,
    check_approval,
    check_undecided,
)
from service.domain.errors import Refusal
from service.domain.idempotency import Answer, Once
from service.domain.months import business_date
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import bills, correction_lines, journals, settlements
from service.store import energy_correction_details as details
from service.store import energy_corrections as store
from service.store.database import Database
from service.store.energy_corrections import Held
from service.store.transaction import Transaction
from service.usecases.energy_corrections import asked_of, calculated, held_correction, told
from service.usecases.once import answer_once


def approve_correction(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    correction_no: int,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Approve a correction; its bills, the books, the customer's money follow at once.

    Whatever is paid ahead, what is given back among it, pays whatever is owed.

    :raises RoleForbidden: if the caller does not decide about corrections of energy
    :raises EnergyCorrectionUnknown: if no correction the caller may see has the number
    :raises EnergyCorrectionDecided, OwnEnergyCorrection, AmountForHeadOffice: as `check_approval`
    :raises EnergyCorrectionStale: if it would come to something else by now
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "energy_corrections.decide")

    def work(transaction: Transaction) -> Answer:
        correction, held = held_correction(transaction, correction_no, now=now)
        check_approval(correction, held.standing, by=caller)
        _check_current(transaction, held, correction)
        issued = store.correct(
            transaction,
            correction_no=correction_no,
            principal_id=caller.principal_id,
            due_on=business_date(now) + timedelta(days=DAYS_TO_PAY),
            now=now,
        )
        _book(transaction, held, correction, issued, now=now)
        return told(transaction, correction_no)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def reject_correction(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    correction_no: int,
    reason: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Reject a correction, for a reason; whoever asked for it withdraws it so.

    :raises RoleForbidden: if the caller does not decide about corrections of energy
    :raises EnergyCorrectionUnknown: if no correction the caller may see has the number
    :raises EnergyCorrectionDecided: if it was approved or rejected
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "energy_corrections.decide")

    def work(transaction: Transaction) -> Answer:
        correction, _ = held_correction(transaction, correction_no, now=now)
        check_undecided(correction)
        store.record(
            transaction,
            correction_no=correction_no,
            step="rejected",
            principal_id=caller.principal_id,
            reason=reason,
            now=now,
        )
        return told(transaction, correction_no)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def _check_current(transaction: Transaction, held: Held, correction: EnergyCorrection) -> None:
    """
    Let a correction pass that comes to the same now as when it was asked for.

    Of a reversal nobody can have taken back the same meanwhile: one request of an account waits.

    :raises EnergyCorrectionStale: if it comes to something else
    """
    try:
        items = calculated(transaction, held, asked_of(correction)).items
    except Refusal as refusal:
        raise EnergyCorrectionStale(refusal.detail) from refusal
    now = [(item.bill.bill_no, correction_lines.to_text(item.lines)) for item in items]
    if now != details.asked_lines(transaction, correction.energy_correction_no):
        raise EnergyCorrectionStale(f"energy correction {correction.energy_correction_no}")


def _book(
    transaction: Transaction,
    held: Held,
    correction: EnergyCorrection,
    issued: list[tuple[str, int]],
    *,
    now: datetime,
) -> None:
    """Pay what is owed by what is paid ahead, what is taken back first; post it with the bills."""
    uses = settlements.settle(
        transaction,
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        first=_taken_back(transaction, correction),
        now=now,
    )
    reference = f"correction-{correction.energy_correction_no}"
    postings = [
        ledger.BillPosting(
            account_id=held.account_id,
            bill_no=bill_no,
            category=held.category,
            lines=bills.lines_of_bill(transaction, bill_no),
            prepaid_fen=min(0, amount_fen),
        )
        for bill_no, amount_fen in issued
    ]
    journals.post(
        transaction,
        bureau_id=held.bureau_id,
        event="energy_corrected",
        reference=reference,
        entries=[
            *ledger.bills_issued_entries(bills=postings, document_no=reference),
            *ledger.settled_entries(uses, account_id=held.account_id),
        ],
        now=now,
    )


def _taken_back(transaction: Transaction, correction: EnergyCorrection) -> set[str]:
    """Return the bills that a reversal takes back."""
    if correction.reverses_no is None:
        return set()
    before = details.by_no(transaction, correction.reverses_no)
    return {bill.correction_bill_no for bill in before.bills if bill.correction_bill_no}
