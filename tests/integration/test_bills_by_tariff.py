"""Bills of a real database by tariffs that change, count by the year, charge by the month."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.usecases.bills import bill_by_no
from tests.integration.utilities import FEBRUARY, MARCH, Utility

# Whatever a test has published is taken away: the price lists are those of every test.
FORGET = """
SET LOCAL session_replication_role = replica;
DELETE FROM evergrid.price_item WHERE catalogue_version_id > {newest};
DELETE FROM evergrid.catalogue_version WHERE catalogue_version_id > {newest}
"""


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    """A bureau of its own, with price lists of its own."""
    newest = migrated.superuser("SELECT max(catalogue_version_id) FROM evergrid.catalogue_version")
    yield Utility(migrated.superuser, database, worker_database, caller, once, now)
    migrated.superuser(FORGET.format(newest=newest[0][0]))


@pytest.fixture
def lines(database, caller, deadline):
    """Return what matters of each line of a bill."""

    def found(bill_no):
        bill = bill_by_no(
            database=database, caller=caller("auditor", None), bill_no=bill_no, deadline=deadline
        )
        return [
            (line.component, line.tier, f"{line.quantity} {line.unit}", line.price_yuan,
             line.amount_fen, line.legal_document)
            for line in bill.lines
        ]  # fmt: skip

    return found


def publish(
    utility, valid_from, items, *, limits="{}", has_year_tiers=False, extension=0, free_kwh=0
):
    """Publish a price list for homes; items are written as SQL writes a row."""
    utility.query(
        f"""WITH published AS (
            INSERT INTO evergrid.catalogue_version
                   (category, legal_document, valid_from, published_at, limits_kwh, has_year_tiers,
                    extension_kwh, free_kwh)
            VALUES ('residential', 'Order of {valid_from}', '{valid_from}', now(), '{limits}',
                    {has_year_tiers}, {extension}, {free_kwh})
            RETURNING catalogue_version_id)
        INSERT INTO evergrid.price_item (catalogue_version_id, position, component, tier, unit,
                                         price_yuan_per_kwh, is_levy)
        SELECT catalogue_version_id, item.*, false
          FROM published, (VALUES {items})
               AS item (position, component, tier, unit, price_yuan)"""
    )


def test_a_price_that_changes_between_two_readings_is_on_the_bill_with_both_documents(
    utility, lines
):
    (home,) = utility.open_accounts(month=FEBRUARY)
    publish(utility, "2026-02-01", "(1, 'energy', NULL::integer, 'kWh', 0.5)")
    publish(utility, "2026-02-22", "(1, 'energy', NULL::integer, 'kWh', 1)")
    utility.read([home], "270")  # on the 28th: 27 days, 21 of them at the first price

    run = utility.bill()

    assert (run.billed, run.amount_fen) == (1, 105_00 + 60_00)
    assert lines(f"202602{home}01") == [
        ("energy", None, "210 kWh", "0.5", 105_00, "Order of 2026-02-01"),
        ("energy", None, "60 kWh", "1", 60_00, "Order of 2026-02-22"),
    ]
    assert utility.contradictions() == []


def test_tiers_of_a_year_go_on_from_bill_to_bill(utility, lines):
    tiers = "(1, 'energy', 1, 'kWh', 0.5), (2, 'energy', 2, 'kWh', 0.55)"
    publish(utility, "2026-02-01", tiers, limits="{1200}", has_year_tiers=True)
    (home,) = utility.open_accounts(month=FEBRUARY)  # eleven months: 1 100 kWh in the first tier
    utility.read([home], "1000")
    utility.read([home], "1250", month=MARCH)

    utility.bill()
    utility.bill(MARCH)

    assert [line[1:3] for line in lines(f"202602{home}01")] == [(1, "1000 kWh")]
    assert [line[1:3] for line in lines(f"202603{home}01")] == [(1, "100 kWh"), (2, "150 kWh")]


def test_a_charge_by_the_month_has_no_energy(utility, lines):
    items = "(1, 'energy', NULL::integer, 'kWh', 0.5), (2, 'service', NULL, 'month', 3.005)"
    publish(utility, "2026-02-01", items)
    (home,) = utility.open_accounts(month=FEBRUARY)
    utility.read([home], "100", month=MARCH)

    utility.bill(MARCH)

    assert lines(f"202603{home}01")[1] == (
        "service", None, "2 month", "3.005", 6_01, "Order of 2026-02-01",
    )  # fmt: skip
    assert utility.contradictions() == []


TIERS = (
    "(1, 'energy', 1, 'kWh', 0.56), (2, 'energy', 2, 'kWh', 0.61), (3, 'energy', 3, 'kWh', 0.86)"
)


def test_a_household_has_what_its_terms_give_it_from_their_month_on(utility, lines):
    """Worked examples E01, E04, E05: three tiers; 100 kWh wider; 15 kWh for nothing."""
    publish(utility, "2026-02-01", TIERS, limits="{170,260}", extension=100, free_kwh=15)
    few, many, poor = utility.open_accounts(3)
    utility.know(many, "2026-02", persons=5)
    utility.know(poor, "2026-02", subsidy="five_guarantees")
    utility.know(few, "2026-03", persons=9, subsidy="low_income")
    utility.read([few, many], "310")
    utility.read([poor], "10")

    utility.bill()

    def fens(home, month="202602"):
        return [line[4] for line in lines(f"{month}{home}01")]

    assert fens(few) == [95_20, 54_90, 43_00]
    assert fens(many) == [151_20, 24_40]
    assert fens(poor) == [5_60, -5_60]

    utility.read([few], "620", month=MARCH)
    utility.bill(MARCH)
    assert fens(few, "202603") == [151_20, 24_40, -8_40]
    assert utility.contradictions() == []


def test_an_account_without_a_price_keeps_no_other_from_its_bill(utility):
    (home,) = utility.open_accounts(month=FEBRUARY)
    (shop,) = utility.open_accounts(month=FEBRUARY, category="commercial")
    utility.read([home, shop], "100", before_end=timedelta(days=1))
    tierless = "(1, 'energy', NULL::integer, 'kWh', 0.5)"
    publish(utility, "2026-02-15", tierless)  # the seed's has three tiers: they do not mix

    run = utility.bill()

    assert (run.billed, [failure.code for failure in run.failures]) == (1, ["TIER_UNPRICED"])
    assert list(utility.bill_counts()) == [shop]
