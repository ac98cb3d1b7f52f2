"""Prices on their way to publication: what a draft must say, which step follows which, by whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from service.domain.calculations import PeriodUnpriced
from service.domain.calendars import DAY_TYPES, Calendar, DayPlan, Season, Stretch
from service.domain.months import Month
from service.domain.new_accounts import CategoryUnknown
from service.domain.portions import Household
from service.domain.price_drafts import (
    BasicPricesMismatched,
    CalendarMissing,
    DraftPrice,
    DraftTiers,
    EnergyUnpriced,
    LevyUnknown,
    PeriodNotInCalendar,
    PriceDraft,
    PriceTwice,
    TiersOfNoHome,
    checked,
)
from service.domain.price_proposals import (
    BillsUnpriced,
    PriceProposal,
    ProposalEvent,
    SameHand,
    StepOutOfOrder,
    ValidityBilled,
    ValidityTaken,
    check_step,
    check_validity,
)
from service.domain.re_ratings import Difference, Rated, re_rated
from service.domain.tariffs import TierUnpriced
from service.domain.tiers import TiersNotRising
from service.domain.tou import Energy

AT = datetime(2026, 4, 1, tzinfo=UTC)
TIERS = DraftTiers(basis="month", limits_kwh=(170, 260))
DRAFT = PriceDraft(
    category="residential",
    legal_document="Order 12",
    valid_from=date(2026, 5, 1),
    prices=(
        DraftPrice(component="energy", price_yuan="0.58", tier=1),
        DraftPrice(component="energy", price_yuan="0.63", tier=2),
        DraftPrice(component="energy", price_yuan="0.88", tier=3),
    ),
    tiers=TIERS,
)
FLAT = replace(DRAFT, tiers=None, prices=(DraftPrice(component="energy", price_yuan="0.5"),))
PEAK = DraftPrice(component="energy", price_yuan="0.6", period="peak")
PEAK_ALL_DAY = (Stretch(starts="00:00", ends="24:00", period="peak"),)
ALL_PEAK = Calendar(
    seasons=(
        Season(
            first="01-01",
            last="12-31",
            plans=(DayPlan(types=DAY_TYPES, stretches=PEAK_ALL_DAY),),
        ),
    )
)
PER_KVA = DraftPrice(component="basic", price_yuan="26", unit="kVA")
PER_KW = DraftPrice(component="basic", price_yuan="36", unit="kW")
MONTHLY = DraftPrice(component="service", price_yuan="3", unit="month")
NONE_CHANGED = re_rated(FLAT.tariff(version="1"), (), month=None)


def with_prices(*prices):
    return replace(FLAT, prices=prices)


def industrial(*basic):
    """Return a draft for customers of two parts."""
    return replace(with_prices(*FLAT.prices, *basic), category="industrial")


def test_customers_of_two_parts_have_a_price_of_capacity_one_of_demand():
    tariff = checked(industrial(PER_KVA, PER_KW)).tariff(version="7")
    assert [(price.unit, price.price) for price in tariff.prices][-2:] == [
        ("kVA", 2_600_000_000), ("kW", 3_600_000_000),
    ]  # fmt: skip


def test_a_draft_becomes_what_bills_are_calculated_by():
    tariff = checked(DRAFT).tariff(version="7")

    assert (tariff.version, tariff.scheme.limits_kwh, tariff.scheme.is_annual) == (
        "7", (170, 260), False,
    )  # fmt: skip
    assert [(price.price, price.tier) for price in tariff.prices] == [
        (58_000_000, 1), (63_000_000, 2), (88_000_000, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("draft", "refusal"),
    [
        (replace(DRAFT, category="street_lighting"), CategoryUnknown),
        (
            with_prices(DraftPrice(component="service", price_yuan="3", unit="month")),
            EnergyUnpriced,
        ),
        (with_prices(DraftPrice(component="energy", price_yuan="3", unit="month")), EnergyUnpriced),
        (with_prices(*FLAT.prices, *FLAT.prices), PriceTwice),
        (
            with_prices(
                *FLAT.prices, DraftPrice(component="moon", price_yuan="0.01", is_levy=True)
            ),
            LevyUnknown,
        ),
        (with_prices(*FLAT.prices, PER_KVA, PER_KW), BasicPricesMismatched),
        (replace(FLAT, category="industrial"), BasicPricesMismatched),
        (industrial(PER_KVA), BasicPricesMismatched),
        (industrial(PER_KVA, replace(PER_KW, is_levy=True)), BasicPricesMismatched),
        (industrial(PER_KVA, replace(PER_KW, component="service")), BasicPricesMismatched),
        (industrial(PER_KVA, PER_KW, PER_KW), PriceTwice),
        (with_prices(PEAK), CalendarMissing),
        (replace(with_prices(PEAK), calendar=ALL_PEAK), PeriodUnpriced),
        (replace(FLAT, calendar=ALL_PEAK), PeriodUnpriced),
        (replace(DRAFT, tiers=replace(TIERS, limits_kwh=(260, 170))), TiersNotRising),
        (replace(DRAFT, category="residential_collective"), TiersOfNoHome),
        (replace(DRAFT, category="commercial"), TiersOfNoHome),
        (replace(DRAFT, tiers=replace(TIERS, limits_kwh=(170,))), TierUnpriced),
        (replace(DRAFT, tiers=None), TierUnpriced),
    ],
)
def test_a_draft_that_some_bill_could_not_be_made_by_is_refused(draft, refusal):
    with pytest.raises(refusal):
        checked(draft)


def test_energy_may_be_priced_by_the_period_of_the_day():
    periods = ("peak", "flat", "valley")
    prices = [DraftPrice(component="energy", price_yuan="0.6", period=each) for each in periods]
    halves = (("00:00", "08:00", "valley"), ("08:00", "24:00", "peak"))
    day = DayPlan(
        types=DAY_TYPES,
        stretches=tuple(Stretch(starts=a, ends=b, period=period) for a, b, period in halves),
    )
    calendar = Calendar(seasons=(Season(first="01-01", last="12-31", plans=(day,)),))
    draft = replace(with_prices(*prices), calendar=calendar)
    assert checked(draft).tariff(version="1").periods == set(periods)
    with pytest.raises(PeriodNotInCalendar):
        checked(replace(draft, calendar=ALL_PEAK))


def proposal(*steps, test=NONE_CHANGED):
    """Return a proposal that Li drafted; Wang took every other step."""
    events = tuple(
        ProposalEvent(
            step=step,
            done_by="Li" if step == "drafted" else "Wang",
            happened_at=AT,
            test=test if step == "tested" else None,
        )
        for step in ("drafted", *steps)
    )
    return PriceProposal(proposal_no=1, state=events[-1].step, draft=DRAFT, events=events)


@pytest.mark.parametrize(
    ("before", "allowed"),
    [
        ((), {"tested", "rejected"}),
        (("tested",), {"tested", "approved", "rejected"}),
        (("tested", "approved"), {"rejected", "published"}),
        (("rejected",), set()),
        (("tested", "approved", "published"), set()),
    ],
)
@pytest.mark.parametrize("step", ["tested", "approved", "rejected", "published"])
def test_nobody_can_skip_a_step_or_take_one_twice(before, allowed, step):
    if step in allowed:
        check_step(proposal(*before), step, by="Zhao")
    else:
        with pytest.raises(StepOutOfOrder):
            check_step(proposal(*before), step, by="Zhao")


@pytest.mark.parametrize(("step", "before"), [("tested", ()), ("approved", ("tested",))])
def test_whoever_drafted_neither_tests_nor_approves(step, before):
    with pytest.raises(SameHand, match="Li drafted proposal 1"):
        check_step(proposal(*before), step, by="Li")


@pytest.mark.parametrize(
    ("step", "before"), [("rejected", ()), ("published", ("tested", "approved"))]
)
def test_whoever_drafted_may_take_back_or_publish_what_others_approved(step, before):
    check_step(proposal(*before), step, by="Li")


def test_prices_that_leave_a_bill_without_a_price_are_not_approved():
    test = replace(NONE_CHANGED, bills=9, refused=2, first_refusal="account 1: PERIOD_UNPRICED")
    with pytest.raises(BillsUnpriced, match="2 of 9 bills"):
        check_step(proposal("tested", test=test), "approved", by="Wang")


@pytest.mark.parametrize(
    ("newest_billed", "is_fine"),
    [(None, True), (Month(2026, 4), True), (Month(2026, 5), False), (Month(2026, 6), False)],
)
def test_prices_begin_after_everything_that_is_billed(newest_billed, is_fine):
    if is_fine:
        check_validity(DRAFT, newest_billed=newest_billed, is_taken=False)
    else:
        with pytest.raises(ValidityBilled):
            check_validity(DRAFT, newest_billed=newest_billed, is_taken=False)


def test_two_lists_of_a_category_do_not_begin_on_one_day():
    with pytest.raises(ValidityTaken):
        check_validity(DRAFT, newest_billed=None, is_taken=True)


def test_a_test_says_what_issued_bills_would_come_to():
    two_months = Household(months=2)
    bills = [
        Rated(account_no="1", energy=Energy(flat=100), amount_fen=56_00, household=Household()),
        Rated(account_no="2", energy=Energy(flat=310), amount_fen=193_10, household=Household()),
        Rated(account_no="3", energy=Energy(flat=200), amount_fen=112_00, household=two_months),
        Rated(account_no="4", energy=Energy(flat=10), amount_fen=6_00, household=Household()),
        Rated(account_no="5", energy=Energy(flat=0), amount_fen=0, household=Household()),
    ]

    found = re_rated(DRAFT.tariff(version="1"), bills, month="2026-03")

    # 58.00; 98.60 + 56.70 + 44.00; 116.00, inside the first tier of two months; 5.80; nothing.
    assert (found.before_fen, found.after_fen) == (367_10, 58_00 + 199_30 + 116_00 + 5_80)
    assert (found.bills, found.dearer, found.cheaper, found.refused) == (5, 3, 1, 0)
    assert found.largest_rise == Difference(
        account_no="2", consumption_kwh=310, before_fen=193_10, after_fen=199_30
    )
    assert found.largest_fall == Difference(
        account_no="4", consumption_kwh=10, before_fen=6_00, after_fen=5_80
    )


def test_a_test_counts_what_cannot_be_calculated():
    paying = with_prices(DraftPrice(component="energy", price_yuan="-0.5")).tariff(version="1")
    bills = [Rated(account_no="9", energy=Energy(flat=10), amount_fen=1, household=Household())]

    found = re_rated(paying, bills, month="2026-03")

    assert (found.bills, found.refused, found.before_fen) == (1, 1, 0)
    assert found.first_refusal == "account 9: AMOUNT_NEGATIVE, 10 kWh come to -500 fen"
