"""Customers of every category, drawn at the edges of tiers, tables and demands."""

from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from math import isqrt

from hypothesis import strategies as st

from tests.oracle import values
from tests.oracle.basic import Basic
from tests.oracle.bills import Point, Supply, Tariff, Tiers
from tests.oracle.charges import Steps
from tests.oracle.quantities import FLAT, Child, Transformer, half_up
from tests.oracle.values import Draw, one

CALENDARS = (
    (FLAT,),
    (FLAT, "peak", "valley"),
    (FLAT, "peak", "valley", "sharp"),
    (FLAT, "peak", "valley", "sharp", "deep_valley"),
)
STEPS = (
    Steps([Fraction(170), Fraction(260)], "month"),
    Steps([Fraction(180), Fraction(350), Fraction(700)], "month"),
    Steps([Fraction(2760), Fraction(4800)], "year"),
    Steps([Fraction(2000), Fraction(3100)], "year"),  # a twelfth of which is no whole number
)
KVA = [Fraction(kva) for kva in ("30", "315", "400.50", "1000", "1600")]
LOSS_RATIOS = [Fraction(ratio) for ratio in ("0", "0", "0.0001", "0.015", "0.02")]


def tariff(draw: Draw, spells, calendar, **terms) -> Tariff:
    """Draw prices by period, the first few levies; sharp has no price in all months of a year."""
    levies = dict(islice(values.LEVIES.items(), draw() % (len(values.LEVIES) + 1)))
    periods = values.prices(draw, {period: values.RATIOS[period] for period in calendar}, spells)
    if "sharp" in calendar and len(spells) > 1:
        month = one(draw, [0, len(spells) - 1, None])
        periods["sharp"] = [
            replace(price, yuan=None) if index == month else price
            for index, price in enumerate(periods["sharp"])
        ]
    return Tariff(periods, levies=values.prices(draw, levies, spells) if levies else {}, **terms)


def tiers(draw: Draw, spells, months: int) -> Tiers | None:
    """Draw tiers of a month or of a year, of a household of few or of many; or none."""
    steps = one(draw, (*STEPS, None))
    if steps is None:
        return None
    is_annual = steps.scheme == "year"
    deltas = {str(n): Fraction(n) for n, _ in enumerate(steps.limits, start=1)}
    return Tiers(
        steps,
        list(values.prices(draw, deltas, spells).values()),
        months=draw() % 12 + 1 if is_annual else months,
        is_split=one(draw, [True, False]),
        before=Fraction(values.kwh(draw, [2760, 4800], most=6000) if is_annual else 0),
        extension=Fraction(one(draw, [0, 100])),
        is_widened=one(draw, [False, True]),
    )


def household(draw: Draw) -> Supply:
    """Draw a household: with tiers or without, with periods or without, in need or not."""
    spells, months = one(draw, values.SPELLS), one(draw, [1, 1, 2])
    scheme = tiers(draw, spells, months)
    edges = [10 * months, 15 * months]
    if scheme is not None:
        limits = scheme.steps.within(
            months=scheme.months, extension=scheme.extension, widen=scheme.is_widened
        )
        edges += [int(limit - scheme.before) for limit in limits if limit > scheme.before]
    calendar = one(draw, CALENDARS[:2])
    wanted = values.kwh(draw, edges, most=6000)
    free = Fraction(one(draw, [0, 0, 10, 15]))
    return Supply(
        meter=values.meter(draw, spread(draw, wanted, calendar)),
        tariff=tariff(draw, spells, calendar, tiers=scheme, free_kwh=free, months=months),
    )


def business(draw: Draw) -> Supply:
    """Draw a commercial customer: one price or periods (without sharp ones, too), corrections."""
    read = one(draw, CALENDARS)
    without_sharp = tuple(period for period in read if period != "sharp")
    calendar = one(draw, [read, without_sharp, (FLAT,)])
    wanted = values.kwh(draw, [100, 1250], most=100_000)
    return Supply(
        meter=values.meter(draw, spread(draw, wanted, read)),
        tariff=tariff(draw, one(draw, values.SPELLS), calendar),
        correction=Fraction(one(draw, [0, 0, 833])),
    )


def industry(draw: Draw) -> Supply:
    """Draw a two-part customer: basic charge, power factor, sub-meters, losses."""
    spells, calendar = one(draw, values.SPELLS), one(draw, CALENDARS)
    equipment = [(one(draw, KVA), one(draw, [None, *range(1, 31)])) for _ in range(draw() % 3 + 1)]
    edge = int(260 * sum(kva for kva, _ in equipment))
    wanted = values.kwh(draw, [edge, edge - 833], most=1_000_000)
    kwh_by = spread(draw, wanted, calendar)
    return Supply(
        meter=values.meter(draw, kwh_by | {"reactive": reactive_near(draw, wanted)}),
        tariff=tariff(draw, spells, calendar),
        points=[point(draw, spells, kwh_by) for _ in range(draw() % 4)],
        transformer=one(draw, [transformer, lambda _: None])(draw),
        line_ratio=one(draw, LOSS_RATIOS),
        is_loss_shared=one(draw, [False, True]),
        correction=Fraction(one(draw, [0, 0, -676, 833])),
        basic=one(draw, [lambda _: None, *[partial(basic, equipment=equipment)] * 3])(draw),
        standard=one(draw, [None, 80, 85, 90]),
    )


def transformer(draw: Draw) -> Transformer:
    """Draw the plate of a transformer, the days it ran, the shape of its load."""
    return Transformer(
        kva=one(draw, KVA),
        no_load_kw=values.decimals(draw, 0, 3),
        load_kw=values.decimals(draw, 0, 12),
        no_load_current_percent=Fraction("1.1"),
        impedance_percent=values.decimals(draw, 4, 5),
        days=draw() % 31 + 1,
        load_shape=one(draw, [Fraction(1), Fraction(3, 2), Fraction(3)]),
    )


def basic(draw: Draw, *, equipment) -> Basic:
    """Draw a basic charge: a contract about its floor, a demand about what the contract allows."""
    floor = half_up(sum(kva for kva, _ in equipment) * Fraction(40, 100), places=2)
    contract = values.near(draw, floor, most=2000)
    allowed = half_up(max(contract, floor) * 105 / 100, places=2)
    return Basic(
        one(draw, ["capacity", "contract", "actual", "before_2016"]),
        values.price(draw) * 30,
        equipment,
        contract=contract,
        measured=values.near(draw, one(draw, [contract, allowed, floor]), most=3000),
        floor=one(draw, [Fraction(), floor]),
        may_be_discounted=one(draw, [False, True]),
    )


def reactive_near(draw: Draw, active: int) -> int:
    """Draw kvarh that bring the power factor about a border of its hundredths, or any."""
    border = draw() % 199 + 1  # in half hundredths
    edge = isqrt(active * active * (200 * 200 - border * border)) // border
    return values.kwh(draw, [edge, edge], most=active + 1)


def point(draw: Draw, spells, main: dict[str, int]) -> Point:
    """Draw a sub-meter; three of them leave the main something."""
    part, part_by_period = sum(main.values()) // 8, min(main.values()) // 8
    number = draw()
    child = one(
        draw,
        [
            Child("fixed", Fraction(number % (part + 1))),
            Child("ratio", Fraction(number % 3000, 10_000)),
            Child("measured", own={FLAT: Fraction(number % (part + 1))}),
            Child("measured", own=dict.fromkeys(main, Fraction(number % (part_by_period + 1)))),
        ],
    )
    calendar = one(draw, [(FLAT,), tuple(main)])
    return Point(child, tariff(draw, spells, calendar), one(draw, ["01", "02", "03"]))


def spread(draw: Draw, wanted: int, calendar: tuple[str, ...]) -> dict[str, int]:
    """Spread kWh over the periods of a calendar: evenly, more in the last, all in the last."""
    each = wanted // one(draw, [len(calendar), len(calendar) + 3, wanted + 1])
    first = calendar[:-1]
    return dict.fromkeys(first, each) | {calendar[-1]: wanted - each * len(first)}


@st.composite
def anyone(draw) -> Supply:
    """Draw a customer of any category."""
    number = partial(draw, values.numbers)
    return one(number, [household, business, industry, industry])(number)
