"""The engine's bill is the oracle's, line by line, for customers of every category."""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from math import isqrt
from pathlib import Path
from pprint import pformat

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from service.domain import basic_charges, corrections, losses, power_factors, rating, sub_meters
from tests.oracle import basic, bills, charges, customers, engine_side, exact, quantities, rules
from tests.oracle.quantities import Child, ImplausibleReading, NegativeChild, Segment
from tests.unit.domain.power_factor_tables import TABLES

CUSTOMERS = int(os.environ.get("EVERGRID_CUSTOMERS", "2000"))
BATCH = 2_000  # What hypothesis remembers of a batch, the memory holds.
TRIES_MAX = 20  # of a hundred customers each; two to four will do
KWH = st.integers(0, 10_000_000)


def each_of(strategy, check, *, seed, cases):
    """Check so many cases; the same seed makes the same ones (of the same modules imported)."""
    limits = hypothesis.settings(
        max_examples=cases,
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    hypothesis.seed(seed)(limits(given(strategy)(check)))()


# --- whole bills ----------------------------------------------------------------------------------


def said(lines):
    """Count the lines, without those about nothing."""
    return Counter(line for line in lines if line[2])


def written(what):
    """Write a customer, or a line, so that it can be read: 1/2 for Fraction(1, 2)."""
    whole = re.sub(r"Fraction\((-?\d+), 1\)", r"\1", pformat(what, width=100))
    return re.sub(r"Fraction\((-?\d+), (\d+)\)", r"\1/\2", whole)


def agree(supply):
    expected = bills.bill(supply)
    found = engine_side.calculated(supply)
    by_rules = said((line.point, line.what, line.quantity, line.amount) for line in expected)
    by_engine = said(engine_side.in_oracle_words(line) for line in found.lines)
    differing = [f"the rules:  {written(line)}" for line in by_rules - by_engine]
    differing += [f"the engine: {written(line)}" for line in by_engine - by_rules]
    assert not differing, "\n".join([written(supply), *differing])
    assert found.amount_fen == bills.total(expected) * 100


@pytest.mark.parametrize("batch", range(-(-CUSTOMERS // BATCH)))
def test_the_engine_bills_as_the_rules_say(batch):
    """Lines and total; a failure names the smallest customer that shows it."""
    cases = min(BATCH, CUSTOMERS - batch * BATCH)
    each_of(customers.anyone(), agree, seed=batch, cases=cases)


def test_the_customers_come_to_every_rule():
    """Or the comparison would say nothing about those left out."""
    met = set()

    def check(supply):
        met.update(rules.met_by(supply))

    for seed in range(TRIES_MAX):
        each_of(customers.anyone(), check, seed=seed, cases=100)
        if met == rules.ALL:
            return
    pytest.fail(f"no customer of {TRIES_MAX * 100} came to {sorted(rules.ALL - met)}")


def test_periods_or_tiers_come_to_all_the_energy_billed():
    def check(supply):
        portions, _ = engine_side.portions_of(supply)
        lines = engine_side.calculated(supply).lines
        for number, portion in enumerate(portions):
            own = [line for line in lines if line.portion == number]
            kwh = portion.energy.total_kwh
            assert sum(line.quantity for line in own if line.component == "energy") == kwh
            tariff = portion.spells[0].tariff
            assert sum(line.quantity for line in own if line.is_levy) == kwh * sum(
                price.is_levy for price in tariff.prices
            )

    each_of(customers.anyone(), check, seed=2, cases=200)


def test_the_same_customer_twice_has_the_same_bill():
    def check(supply):
        assert engine_side.calculated(supply) == engine_side.calculated(supply)

    each_of(customers.anyone(), check, seed=3, cases=100)


# --- rules by themselves --------------------------------------------------------------------------


@given(st.integers(0, 9_999_999), st.integers(0, 9_999_999))
@hypothesis.example(9_000_000, 0)
@hypothesis.example(8_999_999, 0)
def test_a_register_rolls_over_or_the_reading_is_refused(start, end):
    one = Segment(Fraction(start, 100), Fraction(end, 100), 5, Fraction(40))
    try:
        expected = quantities.read([one])
    except ImplausibleReading:
        assert not engine_side.is_plausible(one)
    else:
        assert engine_side.read([one]) == expected


@pytest.mark.parametrize("active", [1, 7, 8_950, 1_000_000_007])
def test_a_power_factor_at_each_border_of_its_hundredths(active):
    for border in range(1, 200):
        edge = isqrt(active * active * (200 * 200 - border * border)) // border
        for reactive in (edge, edge + 1):
            found = power_factors.hundredths(active_kwh=active, reactive_kvarh=reactive)
            assert found == charges.power_factor(
                active=Fraction(active), reactive=Fraction(reactive)
            )


@pytest.mark.parametrize("standard", [80, 85, 90])
def test_the_rows_of_the_table_follow_its_rule_and_never_rise(standard):
    by_rule = [charges.percent(standard, hundredths) * 100 for hundredths in range(101)]
    assert [TABLES[standard][hundredths] for hundredths in range(101)] == by_rule
    assert by_rule == sorted(by_rule, reverse=True)


@given(KWH, st.lists(KWH, min_size=1, max_size=5))
def test_shares_are_the_same_and_come_to_the_whole(kwh, by):
    found = losses.shared(kwh, by=by)
    assert list(found) == exact.shares(Fraction(kwh), [Fraction(part) for part in by])
    assert sum(found) == kwh


@given(
    st.integers(-(10**7), 10**7),
    st.one_of(st.integers(0, 2 * 10**8), st.integers(0, 400).map(lambda n: n * 500_000)),
)
def test_an_amount_is_rounded_half_up_away_from_zero(kwh, price):
    found = rating.amount_fen(quantity=kwh, price=price)
    assert Fraction(found, 100) == exact.yuan(Fraction(kwh * price, 10**8))


@pytest.mark.parametrize("kva", ["30", "400.50", "1600"])
@pytest.mark.parametrize("beside_edge", [-1, 0, 1])
def test_heavy_use_begins_where_the_rules_say(kva, beside_edge):
    billed = int(260 * Fraction(kva)) + beside_edge
    found = basic_charges.price_of_heavy_use(
        36 * 10**8, consumption_kwh=billed, capacity_kva=Decimal(kva)
    )
    by_rule = basic.discounted(Fraction(36), billed=Fraction(billed), kva=Fraction(kva))
    assert found == by_rule * 10**8


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=3),
    st.lists(st.integers(0, 10_000), max_size=2),
)
def test_a_child_below_nothing_is_refused(fixed, ratios):
    children = [Child("fixed", Fraction(kwh)) for kwh in fixed]
    children += [Child("ratio", Fraction(ratio, 10_000)) for ratio in ratios]
    main = {"peak": Fraction(31), "flat": Fraction(69)}
    subs = [engine_side.sub_meter(child) for child in children]
    try:
        rest, *taken = quantities.deducted(main, children)
        is_possible = quantities.whole(rest) >= 0
    except NegativeChild:
        is_possible = False
    if not is_possible:
        with pytest.raises(sub_meters.SubMetersExceedMain):
            sub_meters.split(engine_side.energy(main), subs)
        return
    left, found = sub_meters.split(engine_side.energy(main), subs)
    assert left == engine_side.energy(rest)
    assert list(found) == [engine_side.energy(kwh) for kwh in taken]


@given(KWH, st.integers(-9_000, 9_000).map(lambda n: Decimal(n).scaleb(-4)), st.integers(1, 3000))
def test_corrections_are_those_of_the_rules(billed, part, used):
    found = corrections.of_meter_error(billed_kwh=billed, error=part)
    assert found == quantities.error_correction(billed, error=Fraction(part))
    found = corrections.of_wiring(billed_kwh=billed, factor=part + 2)
    assert found == quantities.factor_correction(billed, factor=Fraction(part) + 2)
    found = corrections.of_multiplier(billed_kwh=billed, used=Decimal(used), true=Decimal(40))
    assert found == quantities.multiplier_correction(billed, used=used, true=40)


# --- independence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "module",
    ["exact", "quantities", "charges", "basic", "bills", "values", "customers", "rules"],
)
def test_the_oracle_knows_nothing_of_the_engine(module):
    source = (Path(__file__).parent / f"{module}.py").read_text()
    imported = [
        getattr(node, "module", None) or alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    assert not [name for name in imported if name.startswith(("service", "tests.unit"))]
