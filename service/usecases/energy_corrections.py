"""How a correction of wrongly counted energy is asked for, what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

import msgspec

from service.domain.accounts import known_no
from service.domain.correction_sheets import Sheet, Spell, reversal_sheet, sheet
from service.domain.energy_corrections import (
    EnergyCorrection,
    EnergyCorrectionOrder,
    EnergyCorrectionPage,
    EnergyCorrectionUnknown,
    check_none_pending,
    check_request,
    check_reversal,
)
from service.domain.idempotency import Answer, Once
from service.domain.metering_faults import Fault, check_days, fault_of
from service.domain.months import business_date
from service.domain.numbers import known_number
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import energy_correction_details as details
from service.store import energy_corrections as store
from service.store import prices as price_store
from service.store.database import Database
from service.store.energy_corrections import Asked, Held
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def request_correction(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    order: EnergyCorrectionOrder,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Ask for a correction; answer with its calculation.

    :raises RoleForbidden: if the caller does not ask for corrections of energy
    :raises FaultAmbiguous, FaultImplausible, DaysBackwards: as `metering_faults` says
    :raises AccountUnknown: if no account the caller may see has the number
    :raises EnergyCorrectionPending, EnergyCorrectionOverlaps: as `check_request` says
    :raises Refusal: as `correction_sheets.sheet` says
    :raises UpgradeUnderWay: while some program does not know yet what it means
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "energy_corrections.request")

    def work(transaction: Transaction) -> Answer:
        since, until = order.since, order.until
        fault = fault_of(order.facts)
        check_days(since, until, today=business_date(now))
        held = store.hold(
            transaction, known_no(order.account_no), since=since, until=until, now=now
        )
        check_request(held.standing)
        asked = Asked(
            cause=fault.kind,
            fact=fault.fact,
            reverses_no=None,
            since=since,
            spell=Spell(fault.counts_from(since, until), until),
        )
        return _requested(transaction, held, asked, caller, reason=order.reason, now=now)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def request_reversal(
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
    Ask that a correction in force is taken back; answer with the calculation.

    :raises RoleForbidden: if the caller does not ask for corrections of energy
    :raises EnergyCorrectionUnknown: if no correction the caller may see has the number
    :raises NotReversible: if it was not approved, is a reversal, or was reversed
    :raises EnergyCorrectionPending: if another of the account waits for a decision
    :raises Refusal: as `correction_sheets.reversal_sheet` says
    :raises UpgradeUnderWay: while some program does not know yet what it means
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "energy_corrections.request")

    def work(transaction: Transaction) -> Answer:
        correction, held = held_correction(transaction, correction_no, now=now)
        check_reversal(correction)
        check_none_pending(held.standing)
        asked = Asked(
            cause="reversal",
            fact=None,
            reverses_no=correction_no,
            since=correction.since,
            spell=Spell(correction.counts_from, correction.until),
        )
        return _requested(transaction, held, asked, caller, reason=reason, now=now)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def correction_by_no(
    *, database: Database, caller: Caller, correction_no: int, deadline: float
) -> EnergyCorrection:
    """
    Return a correction with its calculation and every step it has taken.

    :raises RoleForbidden: if the caller does not see corrections of energy
    :raises EnergyCorrectionUnknown: if no correction the caller may see has the number
    """
    check(caller, "energy_corrections.read")
    number = known_number(correction_no, EnergyCorrectionUnknown)
    return database.read(
        lambda transaction: details.by_no(transaction, number),
        scope=caller.scope,
        deadline=deadline,
    )


def list_corrections(
    *, database: Database, caller: Caller, limit: int, cursor: str | None, deadline: float
) -> EnergyCorrectionPage:
    """
    Return a page of corrections, the newest first.

    :raises RoleForbidden: if the caller does not see corrections of energy
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "energy_corrections.read")
    return database.read(
        lambda transaction: details.page(transaction, limit=limit, cursor=cursor),
        scope=caller.scope,
        deadline=deadline,
    )


def held_correction(
    transaction: Transaction, correction_no: int, *, now: datetime
) -> tuple[EnergyCorrection, Held]:
    """
    Lock the account a correction is about; return both as they are then.

    :raises EnergyCorrectionUnknown: if no correction the caller may see has the number
    """
    number = known_number(correction_no, EnergyCorrectionUnknown)
    asked = details.by_no(transaction, number)
    held = store.hold(transaction, asked.account_no, since=asked.since, until=asked.until, now=now)
    return details.by_no(transaction, number), held


def calculated(transaction: Transaction, held: Held, asked: Asked) -> Sheet:
    """
    Return what is asked for of a held account comes to now.

    :raises Refusal: as `correction_sheets` says
    """
    bills = store.bills_to_correct(transaction, held, asked.spell)
    prices = price_store.within(transaction, first=asked.spell.first, last=asked.spell.last)
    own = [each for each in prices if each.category == held.category]
    if asked.cause == "reversal":
        assert asked.reverses_no is not None, "a reversal names what it takes back"
        before = details.by_no(transaction, asked.reverses_no)
        corrected_kwh = {bill.bill_no: bill.kwh for bill in before.bills}
        return reversal_sheet(corrected_kwh, asked.spell, bills=bills, prices=own)
    assert asked.fact is not None, "only a reversal has none"
    return sheet(Fault(asked.cause, asked.fact), asked.spell, bills=bills, prices=own)


def asked_of(correction: EnergyCorrection) -> Asked:
    """Return what a correction was asked for."""
    return Asked(
        cause=correction.cause,
        fact=None if correction.fact is None else Decimal(correction.fact),
        reverses_no=correction.reverses_no,
        since=correction.since,
        spell=Spell(correction.counts_from, correction.until),
    )


def told(
    transaction: Transaction,
    correction_no: int,
    *,
    status: int = 200,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Answer:
    """Answer with a correction as it is now."""
    body = msgspec.json.encode(details.by_no(transaction, correction_no))
    return Answer(status=status, body=body, headers=dict(headers))


def _requested(
    transaction: Transaction,
    held: Held,
    asked: Asked,
    caller: Caller,
    *,
    reason: str,
    now: datetime,
) -> Answer:
    """Record what is asked for with its calculation; answer with it."""
    number = store.add(transaction, held, asked, calculated(transaction, held, asked))
    store.record(
        transaction,
        correction_no=number,
        step="requested",
        principal_id=caller.principal_id,
        reason=reason,
        now=now,
    )
    where = {"Location": f"/v1/energy-corrections/{number}"}
    return told(transaction, number, status=201, headers=where)
