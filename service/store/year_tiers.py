"""Tiers of a year in the database: what its bills have used of each, where that must be known."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from service.domain.household_terms import PERSONS_OF_MANY
from service.domain.months import Month
from service.domain.tiers import Scheme, YearTiers
from service.store import queries
from service.store.transaction import Row, Transaction

_SQL = queries.load("year_tiers")
_OF_A_MONTH = "month"


def of_accounts(
    transaction: Transaction, *, bureau_id: int, account_ids: Sequence[int], month: Month
) -> dict[int, YearTiers]:
    """
    Return what all bills of a month's year have used, of those accounts (by id) that need it.

    These are closed, or some of the year's bills correct energy: the sum of the months before does
    not tell which tiers are left. Not in a year within which their tiers became others, by law or
    by their household: what was billed before that stays.
    """
    if not account_ids:
        return {}
    rows = transaction.all(
        _SQL["tiers_of_year"],
        bureau_id=bureau_id,
        account_ids=list(account_ids),
        month=month.first_day,
        year_starts=Month(month.year, 1).first_day,
        year_ends=Month(month.year + 1, 1).first_day,
        persons_of_many=PERSONS_OF_MANY,
    )
    by_account = groupby(rows, key=lambda row: row[0])
    read = ((account_id, _year(list(of_account))) for account_id, of_account in by_account)
    return {account_id: year for account_id, year in read if year is not None}


def _year(rows: Sequence[Row]) -> YearTiers | None:
    """Return what a year came to by its one scheme; None if nothing is billed, or by several."""
    _, kwh, schemes, billed_before, _, _ = rows[0]
    if schemes is None or len(schemes) != 1 or schemes == [_OF_A_MONTH]:
        return None
    extension_kwh, extension, *limits = schemes[0].split()
    higher = {tier: of_tier for *_, tier, of_tier in rows if tier is not None}
    return YearTiers(
        kwh=kwh,
        scheme=Scheme(
            is_annual=True,
            limits_kwh=tuple(map(int, limits)),
            extension_kwh=int(extension_kwh),
            extension=extension,
        ),
        # What is added to the price of all energy has no line of the first tier.
        by_tier={1: kwh - sum(higher.values())} | higher,
        billed_before=Month.of(billed_before) if billed_before else None,
    )
