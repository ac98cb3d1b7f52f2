"""What the business does with prices."""

from __future__ import annotations

from datetime import date

from service.domain.permissions import check
from service.domain.prices import PriceList, PricesUnknown
from service.domain.principals import Caller
from service.store import prices
from service.store.database import Database


def prices_on(
    *, database: Database, caller: Caller, on: date, deadline: float
) -> tuple[PriceList, ...]:
    """
    Return the price list of each category in force on a day, by category.

    :raises RoleForbidden: if the caller does not see prices
    :raises PricesUnknown: if no price list was in force
    """
    check(caller, "prices.read")
    found = database.read(
        lambda transaction: prices.in_force(transaction, on=on),
        scope=caller.scope,
        deadline=deadline,
    )
    if not found:
        raise PricesUnknown(f"no price list was in force on {on}")
    return found
