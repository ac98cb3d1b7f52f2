"""Trials as they are sent, with published price lists among their tariffs."""

from __future__ import annotations

import msgspec
import pytest

from service.api.trial_parts import trial
from service.api.trials import TrialSent
from service.domain import trials
from service.domain.tariffs import Price, Tariff
from tests.unit.domain.power_factor_tables import TABLES

ASKED = {
    "spells": [{"tariff": "list", "days": 30}],
    "energy": {"flat": 10_000, "reactive_kvarh": 10_000},
    "basic": {"mode": "capacity", "equipment": [{"capacity_kva": "1000"}]},
    "power_factor_standard": 90,
}


@pytest.mark.parametrize(
    ("is_in_base", "base_fen"), [(True, 6_000_00 + 26_000_00), (False, 6_000_00)]
)
def test_a_published_basic_price_is_in_the_base_of_the_power_factor_if_its_list_says_so(
    is_in_base, base_fen
):
    tariff = Tariff(
        version="list",
        prices=(
            Price("energy", 60_000_000),
            Price("basic", 2_600_000_000, unit="kVA", is_in_base=is_in_base),
        ),
        tables={90: TABLES[90]},
    )
    found = trials.calculated(trial({"list": tariff}, asked=msgspec.convert(ASKED, TrialSent)))
    assert found.lines[-1].component == "power_factor_adjustment"
    assert found.lines[-1].quantity == base_fen
