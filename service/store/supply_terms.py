"""Supply terms in the database: `supply_term`, append-only, as people see them."""

from __future__ import annotations

from datetime import datetime

from service.domain.accounts import AccountUnknown
from service.domain.months import Month
from service.domain.supply_terms import RecordedSupplyTerm, RecordedSupplyTerms, SupplyTerm
from service.store import queries
from service.store.household_terms import Held
from service.store.transaction import Row, Transaction

_SQL = queries.load("supplies")


def add(
    transaction: Transaction,
    *,
    held: Held,
    term: SupplyTerm,
    month: Month,
    principal_id: int,
    now: datetime,
) -> None:
    """Record terms of a held account."""
    transaction.run(
        _SQL["add_term"],
        bureau_id=held.bureau_id,
        account_id=held.account_id,
        from_month=month.first_day,
        basic_mode=term.basic_mode,
        contract_kw=term.contract_kw,
        power_factor_standard=term.power_factor_standard,
        is_metered_low=term.is_metered_low,
        load_shape=term.load_shape,
        line_loss_hundredths_percent=term.line_loss_hundredths_percent,
        has_heavy_use_discount=term.has_heavy_use_discount,
        document_no=term.document_no,
        principal_id=principal_id,
        recorded_at=now,
    )


def of_account(transaction: Transaction, account_no: str) -> RecordedSupplyTerms:
    """
    Return every term of an account, the newest first.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account = transaction.one(_SQL["account_by_no"], account_no=account_no)
    if account is None:
        raise AccountUnknown(f"no account {account_no}")
    names = {"bureau_id": account[0], "account_id": account[1]}
    rows = transaction.all(_SQL["terms_of_account"], **names)
    return RecordedSupplyTerms(account_no=account_no, items=tuple(map(_term, rows)))


def _term(row: Row) -> RecordedSupplyTerm:
    from_month, mode, contract_kw, standard, is_low, shape, loss, has_discount, *recorded = row
    document_no, recorded_by, recorded_at = recorded
    return RecordedSupplyTerm(
        from_month=from_month,
        basic_mode=mode,
        contract_kw=contract_kw,
        power_factor_standard=standard,
        is_metered_low=is_low,
        load_shape=shape,
        line_loss_hundredths_percent=loss,
        has_heavy_use_discount=has_discount,
        document_no=document_no,
        recorded_by=recorded_by,
        recorded_at=recorded_at,
    )
