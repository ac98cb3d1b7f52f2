"""Apportionments in the database: `apportionment` with its parts, append-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import msgspec

from service.domain.accounts import AccountUnknown
from service.domain.apportionments import (
    AgreedPart,
    Apportionment,
    RecordedApportionment,
    RecordedApportionments,
)
from service.domain.meter_exchanges import UpgradeUnderWay
from service.domain.months import Month
from service.domain.parts import Part, Parts
from service.domain.sub_meters import Fixed, Share
from service.store import queries
from service.store.household_terms import Held
from service.store.transaction import Row, Transaction

_SQL = queries.load("apportionments")


def add(
    transaction: Transaction,
    *,
    held: Held,
    apportionment: Apportionment,
    month: Month,
    principal_id: int,
    now: datetime,
) -> None:
    """
    Record an apportionment of a held account.

    :raises UpgradeUnderWay: while some program does not know yet what it means
    """
    transaction.on_conflict(
        "apportionment_upgrade_check", UpgradeUnderWay("the release is not whole yet")
    )
    parts = apportionment.parts
    transaction.run(
        _SQL["add_apportionment"],
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        from_month=month.first_day,
        document_no=apportionment.document_no,
        principal_id=principal_id,
        recorded_at=now,
        categories=[part.category for part in parts],
        fixed_kwh=[part.fixed_kwh for part in parts],
        shares=[part.share_hundredths_percent for part in parts],
        participations=[part.participation for part in parts],
    )


def of_account(transaction: Transaction, account_no: str) -> RecordedApportionments:
    """
    Return every apportionment of an account, the newest first.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account = transaction.one(_SQL["account_by_no"], account_no=account_no)
    if account is None:
        raise AccountUnknown(f"no account {account_no}")
    rows = transaction.all(
        _SQL["apportionments_of_account"], bureau_id=account[0], account_id=account[1]
    )
    return RecordedApportionments(account_no=account_no, items=tuple(map(_recorded, rows)))


def of_accounts(
    transaction: Transaction, *, bureau_id: int, account_ids: Sequence[int], month: Month
) -> dict[int, Parts]:
    """Return the parts that hold in a month, if only none any more, of accounts (by id)."""
    if not account_ids:
        return {}
    rows = transaction.all(
        _SQL["parts_of_accounts"],
        bureau_id=bureau_id,
        account_ids=list(account_ids),
        month=month.first_day,
    )
    found: dict[int, Parts] = {}
    for account_id, from_month, *part in rows:
        before = found.get(account_id, Parts(from_month=Month.of(from_month), items=()))
        items = (*before.items, _part(tuple(part))) if part[0] else ()
        found[account_id] = replace(before, items=items)
    return found


def _part(row: Row) -> Part:
    category, fixed_kwh, share, participation = row
    return Part(
        category=category,
        sub_meter=Fixed(kwh=fixed_kwh) if share is None else Share(hundredths_percent=share),
        participation=participation,
    )


def _recorded(row: Row) -> RecordedApportionment:
    from_month, parts, document_no, recorded_by, recorded_at = row
    return RecordedApportionment(
        from_month=from_month,
        parts=msgspec.convert(parts, tuple[AgreedPart, ...]),
        document_no=document_no,
        recorded_by=recorded_by,
        recorded_at=recorded_at,
    )
