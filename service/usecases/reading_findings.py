"""How somebody looks at readings that are odd, before they are billed."""

from __future__ import annotations

from datetime import datetime

import msgspec

from service.domain.idempotency import Answer, Once
from service.domain.numbers import known_number
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.reading_findings import (
    FindingPage,
    FindingUnknown,
    ReadingFinding,
    check_acceptance,
)
from service.store import reading_findings as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def accept_finding(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    finding_no: int,
    reason: str,
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Accept a finding, for a reason: the next run of the month bills the reading.

    :raises RoleForbidden: if the caller does not accept findings
    :raises FindingUnknown: if no finding the caller may see has the number
    :raises FindingSettled: if it was accepted, or overtaken
    :raises OwnReading: if the caller took the reading, or had a part in its correction
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "reading_findings.accept")

    def work(transaction: Transaction) -> Answer:
        number = known_number(finding_no, FindingUnknown)
        check_acceptance(store.hold(transaction, number), by=caller)
        store.accept(
            transaction,
            finding_no=number,
            principal_id=caller.principal_id,
            reason=reason,
            now=now,
        )
        return Answer(status=200, body=msgspec.json.encode(store.by_no(transaction, number)))

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def finding_by_no(
    *, database: Database, caller: Caller, finding_no: int, deadline: float
) -> ReadingFinding:
    """
    Return a finding with what has become of it.

    :raises RoleForbidden: if the caller does not see findings
    :raises FindingUnknown: if no finding the caller may see has the number
    """
    check(caller, "reading_findings.read")
    number = known_number(finding_no, FindingUnknown)
    return database.read(
        lambda transaction: store.by_no(transaction, number),
        scope=caller.scope,
        deadline=deadline,
    )


def open_findings(
    *, database: Database, caller: Caller, limit: int, cursor: str | None, deadline: float
) -> FindingPage:
    """
    Return a page of findings that wait for somebody, the oldest first.

    :raises RoleForbidden: if the caller does not see findings
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "reading_findings.read")
    return database.read(
        lambda transaction: store.page(transaction, limit=limit, cursor=cursor),
        scope=caller.scope,
        deadline=deadline,
    )
