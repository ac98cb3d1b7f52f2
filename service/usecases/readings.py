"""What the business does with readings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from service.domain import account_numbers, reading_files
from service.domain import reading_batches as rules
from service.domain.idempotency import Answer, Once
from service.domain.permissions import check, may
from service.domain.principals import Caller
from service.domain.reading_batches import BatchReport
from service.domain.reading_files import FileLine
from service.domain.readings import TAKEN_BY_PERSONS, NewReading
from service.store import readings as store
from service.store.database import Database
from service.store.transaction import Transaction
from service.usecases.once import answer_once


def post_readings(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    readings: Sequence[NewReading],
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Take the readings of a batch that can be true, and answer what became of each.

    :raises RoleForbidden: if the caller does not post readings
    :raises BatchLengthRefused: if there are no readings, or too many
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "readings.post")
    rules.check_length(readings)

    def work(transaction: Transaction) -> Answer:
        return _told(_posted(transaction, caller=caller, readings=readings, now=now))

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def post_reading_file(
    *,
    database: Database,
    caller: Caller,
    once: Once,
    lines: Sequence[FileLine],
    now: datetime,
    deadline: float,
) -> Answer:
    """
    Take the readings of a file that can be true, and answer what became of each line.

    :raises RoleForbidden: if the caller does not post readings
    :raises BatchLengthRefused: if there are no readings, or too many
    :raises KeyReused: if the key came with a different request before
    """
    check(caller, "readings.post")
    rules.check_length(lines)

    def work(transaction: Transaction) -> Answer:
        readings = reading_files.readings_of(lines)
        judged = _posted(transaction, caller=caller, readings=readings, now=now)
        return _told(reading_files.report(lines, judged))

    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def _told(report: BatchReport) -> Answer:
    return Answer(status=200, body=msgspec.json.encode(report))


def _posted(
    transaction: Transaction, *, caller: Caller, readings: Sequence[NewReading], now: datetime
) -> BatchReport:
    account_nos = {new.account_no for new in readings}
    states = store.lock_meters(transaction, filter(account_numbers.has_check_digit, account_nos))
    taken = {new.account_no for new in readings if new.source in TAKEN_BY_PERSONS}
    if not may(caller, "reading_findings.read"):
        taken.clear()  # a finding tells what was billed before
    judgement = rules.judge(
        readings,
        states=states,
        pasts=store.pasts(transaction, taken & states.keys()),
        now=now,
        open_from=store.open_from(transaction),
    )
    store.keep(
        transaction,
        readings=judgement.readings,
        states=judgement.states,
        principal_id=caller.principal_id,
        now=now,
    )
    return judgement.report
