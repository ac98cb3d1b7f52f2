"""Which rules a customer's bill depends on: the comparison has to come to each of them."""

from collections.abc import Iterator

from tests.oracle import bills
from tests.oracle.basic import Basic
from tests.oracle.bills import Supply
from tests.oracle.quantities import FLAT, whole

ALL = frozenset(
    {
        *("no energy", "roll-over", "exchange", "price change", "two price changes"),
        *("single rate", "periods", "sharp as peak", "sharp as peak for some days", "levies"),
        *("monthly tiers", "annual tiers", "tiers with periods", "tiers as increments"),
        *("part of a year", "shifted tiers", "widened tiers", "tier_2", "tier_3", "tier_4"),
        *("subsidy", "subsidy with annual tiers"),
        *("fixed", "ratio", "measured", "several children", "participation 01"),
        *("participation 02", "participation 03"),
        *("transformer", "line loss", "shared loss", "refund", "make-up"),
        *("capacity", "contract", "actual", "before_2016", "excess", "floor", "discount"),
        *("standard 80", "standard 85", "standard 90", "surcharge", "reward"),
    }
)


def met_by(supply: Supply) -> Iterator[str]:
    """Yield the rules that this customer's bill depends on."""
    yield from _of_meter(supply)
    yield from _of_tariff(supply)
    yield from _of_points(supply)
    yield from _of_bill(supply)


def _of_meter(supply: Supply) -> Iterator[str]:
    segments = [segment for each in supply.meter.values() for segment in each]
    asked = {
        "roll-over": any(segment.end < segment.start for segment in segments),
        "exchange": len(supply.meter["total"]) > 1,
        "no energy": not whole(bills.registers(supply)),
        "transformer": supply.transformer is not None,
        "line loss": supply.line_ratio > 0,
        "shared loss": supply.is_loss_shared and len(supply.points) > 0,
        "refund": supply.correction < 0,
        "make-up": supply.correction > 0,
    }
    yield from (rule for rule, is_met in asked.items() if is_met)


def _of_tariff(supply: Supply) -> Iterator[str]:
    tariff, tiers = supply.tariff, supply.tariff.tiers
    spells = len(tariff.periods[FLAT])
    has_periods = len(tariff.periods) > 1
    asked = {
        "price change": spells == 2,
        "two price changes": spells == 3,
        "single rate": not has_periods,
        "periods": has_periods,
        "sharp as peak": "sharp" in supply.meter and has_periods and "sharp" not in tariff.periods,
        "sharp as peak for some days": any(
            price.yuan is None for price in tariff.periods.get("sharp", [])
        ),
        "levies": bool(tariff.levies),
    }
    if tiers is not None:
        is_annual = tiers.steps.scheme == "year"
        asked |= {
            "monthly tiers": not is_annual,
            "annual tiers": is_annual,
            "part of a year": is_annual and tiers.months < 12,
            "tiers with periods": has_periods,
            "tiers as increments": not has_periods and not tiers.is_split,
            "shifted tiers": tiers.extension > 0 and not tiers.is_widened,
            "widened tiers": tiers.extension > 0 and tiers.is_widened,
            "subsidy with annual tiers": is_annual and tariff.free_kwh > 0,
        }
    yield from (rule for rule, is_met in asked.items() if is_met)


def _of_points(supply: Supply) -> Iterator[str]:
    for point in supply.points:
        yield point.child.how
        yield f"participation {point.participation}"
    if len(supply.points) > 1:
        yield "several children"


def _of_bill(supply: Supply) -> Iterator[str]:
    lines = bills.bill(supply)
    yield from {line.what for line in lines if line.quantity and line.what in ALL}
    for line in lines:
        if line.what == "power_factor":
            yield f"standard {supply.standard}"
            yield "surcharge" if line.amount > 0 else "reward"
    if supply.basic is not None:
        basic = [line for line in lines if line.what == "basic" and line.quantity]
        yield from _of_basic(supply, supply.basic, lines=len(basic))


def _of_basic(supply: Supply, basic: Basic, *, lines: int) -> Iterator[str]:
    yield basic.mode
    if basic.mode == "capacity":
        return
    if lines > 1:
        yield "excess"
    if basic.contract < basic.running_kva * 40 / 100:
        yield "floor"
    if basic.may_be_discounted and whole(bills.registers(supply)) >= 260 * basic.running_kva:
        yield "discount"
