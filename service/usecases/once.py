"""Doing what a request asks exactly once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from service.domain.idempotency import Answer, Once
from service.domain.months import business_date
from service.domain.principals import Caller
from service.store import idempotency
from service.store.database import Database
from service.store.transaction import Transaction


def answer_once(
    database: Database,
    *,
    caller: Caller,
    once: Once,
    now: datetime,
    deadline: float,
    work: Callable[[Transaction], Answer],
) -> Answer:
    """
    Return the answer to a request: of `work` the first time, the very same one ever after.

    The answer is stored in the transaction of its effect; a refusal stores nothing and may be tried
    again under the same key.
    :raises KeyReused: if the key came with a different request before
    """

    def first_or_again(transaction: Transaction) -> Answer:
        before = idempotency.answered(transaction, caller=caller, once=once, now=now)
        if before is not None:
            return before
        answer = work(transaction)
        idempotency.keep(transaction, caller=caller, once=once, answer=answer, now=now)
        return answer

    return database.transaction(first_or_again, scope=caller.scope, deadline=deadline)


def forget_old_keys(*, database: Database, now: datetime, deadline: float) -> int:
    """Forget the answers that nobody may ask for again; return how many months of them."""
    return database.transaction(
        lambda transaction: idempotency.forget(transaction, today=business_date(now)),
        scope="*",
        deadline=deadline,
    )
