"""How a month is billed: somebody asks for a run, another looks at its bills, signs them off."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain import bill_runs
from service.domain.bill_runs import BillRun, BillRunPage, BillRunUnknown, Decided
from service.domain.bill_samples import SamplePage
from service.domain.bill_sign_offs import ControlSums, check_approval, check_undecided
from service.domain.idempotency import Answer, Once
from service.domain.months import Month
from service.domain.numbers import known_number
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.reading_sections import SectionUnknown
from service.store import bill_runs as store
from service.store import reading_sections
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.bureaus import check_bureau
from service.usecases.once import answer_once


def start_bill_run(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    month: Month,
    bureau_id: int,
    section_no: int | None = None,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Start billing the accounts of a bureau, or of one section of it; workers calculate the bills.

    :raises RoleForbidden: if the caller does not start bill runs
    :raises MonthNotClosed: if the month is not over
    :raises BureauUnknown: if there is no such bureau, or the caller belongs to another
    :raises SectionUnknown: if the bureau has no section of this number
    :raises BillRunUnfinished: if the month is being billed already
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "bill_runs.start")
    bill_runs.check_closed(month=month, now=now)

    def work(transaction: Transaction) -> Answer:
        check_bureau(transaction, caller=caller, bureau_id=bureau_id)
        _check_section(transaction, section_no, bureau_id=bureau_id, month=month)
        bill_run_id = store.start(
            transaction,
            bureau_id=bureau_id,
            section_no=section_no,
            month=month,
            principal_id=caller.principal_id,
            now=now,
        )
        body = msgspec.json.encode(store.by_id(transaction, bill_run_id))
        where = {"Location": f"/v1/bill-runs/{bill_run_id}"}
        return Answer(status=202, body=body, headers=where)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def bill_run_by_id(
    *, database: Database, caller: Caller, bill_run_id: int, deadline: float
) -> BillRun:
    """
    Return how far a run has come.

    :raises RoleForbidden: if the caller does not see bill runs
    :raises BillRunUnknown: if no run the caller may see has this number
    """
    check(caller, "bill_runs.read")
    number = known_number(bill_run_id, BillRunUnknown)
    return database.read(
        lambda transaction: store.by_id(transaction, number),
        scope=caller.scope,
        deadline=deadline,
    )


def list_bill_runs(
    *, database: Database, caller: Caller, limit: int, cursor: str | None, deadline: float
) -> BillRunPage:
    """
    Return a page of runs, the newest first.

    :raises RoleForbidden: if the caller does not see bill runs
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "bill_runs.read")
    return database.read(
        lambda transaction: store.page(transaction, limit=limit, cursor=cursor),
        scope=caller.scope,
        deadline=deadline,
    )


def samples_of_run(
    *,
    database: Database,
    caller: Caller,
    bill_run_id: int,
    limit: int,
    cursor: str | None,
    deadline: float,
) -> SamplePage:
    """
    Return a page of the bills that stand for all that a run has calculated.

    :raises RoleForbidden: if the caller does not see bill runs
    :raises BillRunUnknown: if no run the caller may see has this number
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "bill_runs.read")
    number = known_number(bill_run_id, BillRunUnknown)

    def work(transaction: Transaction) -> SamplePage:
        store.by_id(transaction, number)
        return store.samples(transaction, bill_run_id=number, limit=limit, cursor=cursor)

    return database.read(work, scope=caller.scope, deadline=deadline)


def approve_bill_run(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    bill_run_id: int,
    sums: ControlSums,
    sample_result: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Approve what a run has calculated; workers issue it.

    :param sums: what the caller has checked
    :param sample_result: what the samples have shown
    :raises RoleForbidden: if the caller does not decide about bill runs
    :raises BillRunUnknown: if no run the caller may see has this number
    :raises BillRunDecided: if it was approved or rejected
    :raises BillRunNotCalculated: if it has not come to its end
    :raises OwnBillRun: if the caller asked for it
    :raises OwnReadings: if the caller took one of its readings
    :raises ControlSumsDiffer: if it comes to something else
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "bill_runs.decide")
    number = known_number(bill_run_id, BillRunUnknown)

    def work(transaction: Transaction) -> Answer:
        run = store.hold(transaction, number)
        has_taken_readings = store.has_taken_readings(
            transaction, bill_run_id=number, principal_id=caller.principal_id
        )
        check_approval(run, sums=sums, by=caller, has_taken_readings=has_taken_readings)
        return _decided(
            transaction, number, step="approved", caller=caller, remark=sample_result, now=now
        )

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def reject_bill_run(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    bill_run_id: int,
    reason: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Reject a run, for a reason: nothing of it is issued. Whoever asked for it withdraws it so.

    :raises RoleForbidden: if the caller does not decide about bill runs
    :raises BillRunUnknown: if no run the caller may see has this number
    :raises BillRunDecided: if it was approved or rejected
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "bill_runs.decide")
    number = known_number(bill_run_id, BillRunUnknown)

    def work(transaction: Transaction) -> Answer:
        check_undecided(store.hold(transaction, number))
        return _decided(transaction, number, step="rejected", caller=caller, remark=reason, now=now)

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def _decided(
    transaction: Transaction,
    bill_run_id: int,
    *,
    step: Decided,
    caller: Caller,
    remark: str,
    now: datetime,
) -> Answer:
    store.decide(
        transaction,
        bill_run_id=bill_run_id,
        step=step,
        principal_id=caller.principal_id,
        remark=remark,
        now=now,
    )
    return Answer(status=200, body=msgspec.json.encode(store.by_id(transaction, bill_run_id)))


def _check_section(
    transaction: Transaction, section_no: int | None, *, bureau_id: int, month: Month
) -> None:
    if section_no is None:
        return
    number = known_number(section_no, SectionUnknown)
    # Its route stays as it is until the run is recorded, which keeps it so.
    reading_sections.lock_routes(transaction, bureau_id=bureau_id)
    if reading_sections.by_no(transaction, number, month=month).bureau != bureau_id:
        raise SectionUnknown(f"no section {number} in bureau {bureau_id}")
