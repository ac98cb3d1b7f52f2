"""Account closings in the database: `account_closing`, beside the meter that was removed."""

from __future__ import annotations

from datetime import datetime

from service.domain.account_closings import (
    AccountClosing,
    AccountOpen,
    ClosingStanding,
    NewClosing,
)
from service.domain.accounts import AccountUnknown
from service.domain.meter_exchanges import UpgradeUnderWay
from service.domain.months import Month, business_date
from service.domain.readings import Reading
from service.store import account_locks, meter_exchanges, queries
from service.store.transaction import Transaction

_SQL = queries.load("account_closings")


def hold(transaction: Transaction, new: NewClosing) -> ClosingStanding:
    """
    Lock the account that is to be closed; return how it stands.

    :raises AccountUnknown: if no account the caller may see has this number
    """
    account_locks.lock(transaction, new.account_no)
    found = transaction.one(
        _SQL["standing"], account_no=new.account_no, closes_on=business_date(new.closed_at)
    )
    if found is None:
        raise AccountUnknown(f"no account {new.account_no}")
    closed_at, last_billed, equipment = found
    return ClosingStanding(
        closed_at=closed_at,
        last_billed=Month.of(last_billed) if last_billed else None,
        equipment=equipment,
    )


def close(
    transaction: Transaction,
    *,
    new: NewClosing,
    final: Reading,
    principal_id: int,
    now: datetime,
) -> None:
    """
    Close a locked account, whose final reading is kept already.

    :raises UpgradeUnderWay: while some program does not know yet what it means
    """
    transaction.on_conflict(
        "account_closing_upgrade_check", UpgradeUnderWay("the release is not whole yet")
    )
    meter_exchanges.remove(transaction, final)
    transaction.run(
        _SQL["close"],
        bureau_id=final.bureau_id,
        removed_id=final.meter_id,
        month=Month.at(final.read_at).first_day,
        work_order_no=new.work_order_no,
        reason=new.reason,
        principal_id=principal_id,
        recorded_at=now,
    )


def of_account(transaction: Transaction, account_no: str) -> AccountClosing:
    """
    Return how an account was closed.

    :raises AccountUnknown: if no account the caller may see has this number
    :raises AccountOpen: if it was not
    """
    found = transaction.one(_SQL["closing_of_account"], account_no=account_no)
    if found is None:
        raise AccountUnknown(f"no account {account_no}")
    if found[0] is None:
        raise AccountOpen(f"account {account_no}")
    closed_at, asset_no, final_register, work_order_no, reason, recorded_by, recorded_at = found
    return AccountClosing(
        account_no=account_no,
        closed_at=closed_at,
        asset_no=asset_no,
        final_register=final_register,
        work_order_no=work_order_no,
        reason=reason,
        recorded_by=recorded_by,
        recorded_at=recorded_at,
    )
