"""What the utility shows of its bills."""

from __future__ import annotations

from service.domain.accounts import known_no
from service.domain.bill_details import BillDetails, BillPage
from service.domain.permissions import check
from service.domain.principals import Caller
from service.store import bills as store
from service.store.database import Database


def bills_of_account(
    *,
    database: Database,
    caller: Caller,
    account_no: str,
    limit: int,
    cursor: str | None,
    deadline: float,
) -> BillPage:
    """
    Return an account's bills, newest first.

    :raises RoleForbidden: if the caller does not see bills
    :raises AccountUnknown: if no account the caller may see has the number
    :raises CursorBroken: if the cursor is not one of this list
    """
    check(caller, "bills.read")
    return database.read(
        lambda transaction: store.page(
            transaction, account_no=known_no(account_no), limit=limit, cursor=cursor
        ),
        scope=caller.scope,
        deadline=deadline,
    )


def bill_by_no(*, database: Database, caller: Caller, bill_no: str, deadline: float) -> BillDetails:
    """
    Return one bill with every line, and why it is there.

    :raises RoleForbidden: if the caller does not see bills
    :raises BillUnknown: if no bill the caller may see has the number
    """
    check(caller, "bills.read")
    return database.read(
        lambda transaction: store.by_no(transaction, bill_no),
        scope=caller.scope,
        deadline=deadline,
    )
