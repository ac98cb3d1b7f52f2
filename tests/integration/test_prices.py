"""Prices in force on a day, from the seed catalogue in the database."""

from __future__ import annotations

from datetime import date

import pytest

from service.domain.prices import PricesUnknown, yuan_text
from service.domain.rating import lines_of, total_fen
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


def test_the_seed_catalogue_prices_the_residential_example(in_force):
    """Example E01: 310 kWh come to 193.10."""
    prices = in_force(date(2026, 1, 1))["residential"].prices

    lines = lines_of(consumption_kwh=310, prices=prices)

    assert [line.amount_fen for line in lines] == [9520, 5490, 4300]
    assert total_fen(lines) == 19310


def test_the_seed_catalogue_prices_the_commercial_example(in_force):
    """Example E06: 1 250 kWh come to 711.25, levies included."""
    prices = in_force(date(2026, 12, 31))["commercial"].prices

    lines = lines_of(consumption_kwh=1250, prices=prices)

    assert [line.amount_fen for line in lines] == [65163, 2500, 2375, 246, 778, 63]
    assert total_fen(lines) == 71125
    assert [yuan_text(price.price) for price in prices[:4]] == [
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
        "INSERT INTO evergrid.price_item SELECT catalogue_version_id, 1, 'energy', NULL, NULL, "
        "0.12345678, false FROM published"
    )

    before, after = in_force(date(2095, 6, 30)), in_force(date(2095, 7, 1))

    assert before["residential"].valid_from == date(2020, 1, 1)
    assert after["residential"].valid_from == date(2095, 7, 1)
    assert after["residential"].prices[0].price == 12345678
    assert after["commercial"] == before["commercial"]


def test_no_price_list_was_in_force_before_the_oldest(in_force):
    with pytest.raises(PricesUnknown):
        in_force(date(2019, 12, 31))
