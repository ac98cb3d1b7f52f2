"""Categories of customers: each has its prices, its account in the books, its meters."""

from __future__ import annotations

import pytest

from service.domain.ledger import SALES
from service.domain.meter_exchanges import UpgradeUnderWay
from service.domain.months import Month
from service.domain.new_accounts import CATEGORIES
from service.domain.two_part import TWO_PART
from tests.integration import supplies
from tests.integration.utilities import FEBRUARY, Utility

JANUARY = Month(2026, 1)


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


def sales(utility):
    """Return what a bureau has sold, without its tax, in fen, by account of the books."""
    rows = utility.query(
        "SELECT code, -sum(amount_fen)::bigint FROM evergrid.ledger_entry "
        "WHERE bureau_id = {bureau} AND starts_with(code, '6001') GROUP BY code"
    )
    return dict(rows)


@pytest.mark.parametrize("category", CATEGORIES)
def test_customers_of_every_category_are_billed_and_booked(utility, category):
    [account_no] = utility.open_accounts(category=category)
    if category in TWO_PART:
        supplies.install(utility.query, account_no)
        supplies.agree(utility.query, account_no)
    utility.read([account_no], "100")
    assert utility.bill().billed == 1
    assert set(sales(utility)) == {SALES[category]}
    assert utility.contradictions() == []


def test_a_home_by_period_is_priced_by_its_periods_then_by_the_tiers_of_the_year(utility):
    """As in example E03, by the same prices, for a larger month: 340.80 + 115.20 + 44.50."""
    [home] = utility.open_accounts(
        category="residential_tou", month=JANUARY, periods={"peak": "0", "valley": "0"}
    )
    utility.read([home], "2650", month=JANUARY, periods={"peak": "1500", "valley": "1150"})
    utility.bill(JANUARY)
    utility.read([home], "3650", periods={"peak": "2100", "valley": "1550"})
    assert utility.bill(FEBRUARY).billed == 1
    [newest, first] = utility.bills(home).items
    assert newest.amount_fen == 500_50
    assert first.amount_fen == 852_00 + 331_20
    lines = utility.query(
        "SELECT component, period, tier, coalesce(quantity, quantity_kwh)::int, amount_fen "
        "FROM evergrid.bill_line WHERE bureau_id = {bureau} AND month = '2026-02-01' "
        "ORDER BY position"
    )
    assert lines == [
        ("energy", "peak", None, 600, 340_80),
        ("energy", "flat", None, 0, 0),
        ("energy", "valley", None, 400, 115_20),
        ("tier_increment", None, 2, 890, 44_50),
    ]
    assert utility.contradictions() == []


def test_a_farm_pays_one_rate_and_a_levy(utility):
    [farm] = utility.open_accounts(category="agricultural")
    utility.read([farm], "1000")
    utility.bill()
    [bill] = utility.bills(farm).items
    assert bill.amount_fen == 433_10 + 1_97
    assert sales(utility) == {"6001.03": 383_27}, "433.10 yuan without the 13 % of tax in them"


def test_a_home_by_period_may_have_many_persons_a_farm_may_not(api, utility):
    term = {"from_month": "2026-05", "persons": 6, "document_no": "Register 650102-118"}
    for category, status in (("residential_tou", 201), ("agricultural", 422)):
        [account_no] = utility.open_accounts(category=category)
        path = f"/v1/accounts/{account_no}/household-terms"
        assert api.post(path, "hall_clerk", utility.bureau, json=term).status_code == status


def test_nobody_is_of_a_new_category_before_every_program_knows_it(utility, migrated):
    narrow = "CHECK (category IN ('residential', 'commercial')) NOT VALID"
    rule = "evergrid.account DROP CONSTRAINT account_category_check"
    [(wide,)] = migrated.superuser(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conname = 'account_category_check'"
    )
    add = f"{rule}, ADD CONSTRAINT account_category_check"
    migrated.superuser(f"ALTER TABLE {add} {narrow}")
    try:
        with pytest.raises(UpgradeUnderWay):
            utility.open_accounts(category="agricultural")
    finally:
        migrated.superuser(f"ALTER TABLE {add} {wide}")
