"""Answers kept under their Idempotency-Key: the only module that knows `idempotency_key`."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from psycopg2.extras import Json

from service.domain.idempotency import Answer, KeyReused, Once
from service.domain.principals import Caller
from service.store import queries
from service.store.transaction import Transaction

_SQL = queries.load("idempotency")

# How long a retry finds its first answer; older partitions may be dropped.
KEPT = timedelta(days=32)


def answered(
    transaction: Transaction, *, caller: Caller, once: Once, now: datetime
) -> Answer | None:
    """
    Return the answer already given under the key, or None for a new request.

    Holds the key until the transaction ends, so that a retry waits for the first to decide.
    :raises KeyReused: if the key came with a different request before
    """
    names = {"principal_id": caller.principal_id, "key": once.key}
    transaction.later(_SQL["lock_key"], **names)
    found = transaction.one(_SQL["answer_under_key"], kept_since=now - KEPT, **names)
    if found is None:
        return None
    request_sha256, status, headers, body = found
    if bytes(request_sha256) != once.request_sha256:
        raise KeyReused(f"key {once.key!r} was used for another request")
    transaction.vouch()
    return Answer(status=status, body=bytes(body), headers=headers)


def keep(
    transaction: Transaction, *, caller: Caller, once: Once, answer: Answer, now: datetime
) -> None:
    """Keep the answer with its effect."""
    transaction.later(
        _SQL["keep_answer"],
        principal_id=caller.principal_id,
        key=once.key,
        claimed_at=now,
        request_sha256=once.request_sha256,
        status=answer.status,
        headers=Json(answer.headers),
        body=answer.body,
    )


def forget(transaction: Transaction, *, today: date) -> int:
    """Drop the months in which every key is older than `KEPT`; count them."""
    found = transaction.one(_SQL["forget_keys"], before=today - KEPT)
    assert found is not None, "a function has one value"
    months: int = found[0]
    return months
