"""Reading findings in the database: what bill runs found odd, what a person made of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from service.domain import cursors
from service.domain.bill_bases import Stand
from service.domain.bill_runs import Chunk
from service.domain.meters import shown
from service.domain.reading_checks import ReadingInQuestion
from service.domain.reading_findings import FindingPage, FindingUnknown, ReadingFinding, State
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("reading_findings")


def record(
    transaction: Transaction,
    *,
    chunk: Chunk,
    questioned: Sequence[tuple[int, Stand, ReadingInQuestion]],
    now: datetime,
) -> None:
    """Record what is odd about the readings of accounts (by id) that a chunk was to bill."""
    if not questioned:
        return
    findings = [
        {
            "account_id": account_id,
            "read_at": reading.read_at,
            "register": reading.register,
            "consumption_kwh": question.kwh,
            "code": finding.code,
            "detail": finding.detail,
        }
        for account_id, reading, question in questioned
        for finding in question.findings
    ]
    transaction.run(
        _SQL["record_findings"],
        findings=msgspec.json.encode(findings).decode(),
        bureau_id=chunk.bureau_id,
        bill_run_id=chunk.bill_run_id,
        found_at=now,
    )


def hold(transaction: Transaction, finding_no: int) -> ReadingFinding:
    """
    Lock the account that a finding is about; return the finding.

    :raises FindingUnknown: if there is none with this number that the caller may see
    """
    transaction.later(_SQL["lock_finding"], finding_no=finding_no)
    return by_no(transaction, finding_no)


def by_no(transaction: Transaction, finding_no: int) -> ReadingFinding:
    """
    Return a finding with what has become of it.

    :raises FindingUnknown: if there is none with this number that the caller may see
    """
    found = transaction.one(_SQL["finding_by_no"], finding_no=finding_no)
    if found is None:
        raise FindingUnknown(f"no reading finding {finding_no}")
    return _finding(found)


def page(transaction: Transaction, *, limit: int, cursor: str | None) -> FindingPage:
    """
    Return up to `limit` findings that wait for somebody, the oldest first, from `cursor` on.

    :raises CursorBroken: if the cursor is not one of this list
    """
    after_no = cursors.decode(cursor, int)[0] if cursor else 0
    rows = transaction.all(_SQL["open_findings_after"], after_no=after_no, limit=limit + 1)
    is_more = len(rows) > limit
    return FindingPage(
        items=[_finding(row) for row in rows[:limit]],
        next_cursor=cursors.encode((rows[limit - 1][0],)) if is_more else None,
    )


def accept(
    transaction: Transaction, *, finding_no: int, principal_id: int, reason: str, now: datetime
) -> None:
    """Record that somebody accepts a finding: the reading may be billed."""
    transaction.run(
        _SQL["accept_finding"],
        finding_no=finding_no,
        principal_id=principal_id,
        reason=reason,
        accepted_at=now,
    )


def _finding(row: Row) -> ReadingFinding:
    accepted_at, is_overtaken = row[10], row[12]
    state: State = "overtaken" if is_overtaken else "open"
    return ReadingFinding(
        finding_no=row[0],
        state=state if accepted_at is None else "accepted",
        account_no=row[1],
        kind=row[2],
        detail=row[3],
        read_at=row[4],
        register=shown(row[5]),
        consumption_kwh=row[6],
        hands=tuple(row[7]),
        found_at=row[8],
        accepted_by=row[9],
        accepted_at=accepted_at,
        reason=row[11],
    )
