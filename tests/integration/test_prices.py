"""Prices in force on a day, from the seed catalogue in the database."""

from __future__ import annotations

from datetime import date

import pytest

from service.domain.calculations import calculate
from service.domain.portions import Portion, Spell
from service.domain.prices import PricesUnknown, yuan_text
from service.domain.tou import Energy
from service.usecases.prices import prices_on


@pytest.fixture
def in_force(database, caller, deadline):
    def found(on):
        return {
            price_list.category: price_list
            for price_list in prices_on(
                database=database, caller=caller("reader"), on=on, deadline=deadline
            )
        }

    return found


def calculated(kwh, tariff):
    """Return the bill of one month at a tariff."""
    spells = (Spell(days=30, tariff=tariff),)
    return calculate([Portion(energy=Energy(flat=kwh), spells=spells)])


def test_the_seed_catalogue_prices_the_residential_example(in_force):
    """Example E01: 310 kWh come to 193.10."""
    bill = calculated(310, in_force(date(2026, 1, 1))["residential"].tariff)

    assert [line.amount_fen for line in bill.lines] == [9520, 5490, 4300]
    assert bill.amount_fen == 19310


def test_the_seed_catalogue_prices_the_commercial_example(in_force):
    """Example E06: 1 250 kWh come to 711.25, levies included."""
    tariff = in_force(date(2026, 12, 31))["commercial"].tariff
    bill = calculated(1250, tariff)

    assert [line.amount_fen for line in bill.lines] == [65163, 2500, 2375, 246, 778, 63]
    assert bill.amount_fen == 71125
    assert [yuan_text(price.price) for price in tariff.prices[:4]] == [
        "0.5213",
        "0.02",
        "0.019",
        "0.001969",
    ]


def test_a_later_catalogue_holds_from_its_first_day(in_force, migrated):
    migrated.superuser(
        "WITH published AS (INSERT INTO evergrid.catalogue_version "
        "(category, legal_document, valid_from, published_at) "
        "VALUES ('residential', 'Order 7/2095', '2095-07-01', now()) "
        "RETURNING catalogue_version_id) "
        "INSERT INTO evergrid.price_item (catalogue_version_id, position, component, "
        "price_yuan_per_kwh, is_levy) SELECT catalogue_version_id, 1, 'energy', 0.12345678, false "
        "FROM published"
    )

    before, after = in_force(date(2095, 6, 30)), in_force(date(2095, 7, 1))

    assert before["residential"].valid_from == date(2020, 1, 1)
    assert after["residential"].valid_from == date(2095, 7, 1)
    assert after["residential"].tariff.prices[0].price == 12345678
    assert after["commercial"] == before["commercial"]


def test_no_price_list_was_in_force_before_the_oldest(in_force):
    with pytest.raises(PricesUnknown):
        in_force(date(2019, 12, 31))
