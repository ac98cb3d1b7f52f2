"""What the business does with readings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import msgspec

from service.domain import account_numbers
from service.domain import readings as rules
from service.domain.idempotency import Answer, Once
from service.domain.permissions import check
from service.domain.principals import Caller
from service.domain.readings import NewReading
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
    work = partial(_posted, caller=caller, readings=readings, now=now)
    return answer_once(database, caller=caller, once=once, now=now, deadline=deadline, work=work)


def _posted(
    transaction: Transaction, *, caller: Caller, readings: Sequence[NewReading], now: datetime
) -> Answer:
    account_nos = {new.account_no for new in readings}
    states = store.lock_meters(transaction, filter(account_numbers.has_check_digit, account_nos))
    taken = {new.account_no for new in readings if new.source in rules.TAKEN_BY_PERSONS}
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
    return Answer(status=200, body=msgspec.json.encode(judgement.report))
