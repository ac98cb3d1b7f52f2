"""What anybody may ask before there is a bill: what it would come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from service.domain import trials
from service.domain.bill_quantities import of_season
from service.domain.calculations import Calculation
from service.domain.months import Month
from service.domain.new_accounts import CATEGORIES, CategoryUnknown
from service.domain.permissions import check
from service.domain.prices import InForce, PricesUnknown
from service.domain.principals import Caller
from service.domain.tariffs import Tariff
from service.domain.trials import Trial
from service.store import prices as store
from service.store.database import Database
from service.store.transaction import Transaction


def calculate_bill(
    *,
    database: Database,
    caller: Caller,
    published: Mapping[str, InForce],
    trial: Callable[[Mapping[str, Tariff]], Trial],
    deadline: float,
) -> Calculation:
    """
    Return what a bill would come to; nothing is recorded.

    :param published: price lists of the catalogue, each by the name that the trial has for it
    :param trial: makes the trial of their tariffs, by name
    :raises RoleForbidden: if the caller does not ask for calculations
    :raises CategoryUnknown: if nobody is of the category of a price list
    :raises PricesUnknown: if none was in force on that day
    :raises Refusal: as `trial` says
    """
    check(caller, "bill_calculations.make")
    tariffs: Mapping[str, Tariff] = {}
    if published:
        read = partial(_tariffs, published=published)
        tariffs = database.read(read, scope=caller.scope, deadline=deadline)
    return trials.calculated(trial(tariffs))


def _tariffs(transaction: Transaction, *, published: Mapping[str, InForce]) -> dict[str, Tariff]:
    days = {each.on for each in published.values()}
    lists = {
        InForce(each.category, on): each
        for on in days
        for each in store.in_force(transaction, on=on)
    }
    tables = {on: store.power_factor_tables(transaction, on=on) for on in days}
    found = {}
    for name, wanted in published.items():
        category, on = wanted
        if category not in CATEGORIES:
            raise CategoryUnknown(f"category is {category[:40]!r}")
        if wanted not in lists:
            raise PricesUnknown(f"no price list of {category} was in force on {on}")
        tariff = of_season(lists[wanted], Month.of(on))
        found[name] = replace(tariff, version=name, tables=tables[on])
    return found
