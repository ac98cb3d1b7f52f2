"""From registers to the kWh of each point: the quantity pipeline, a second time."""

from dataclasses import dataclass, field
from fractions import Fraction

from tests.oracle.exact import Number, half_up, shares

FLAT = "flat"
PERIOD_CODES = ("sharp", "peak", "valley", "deep_valley")
PERIODS = ("sharp", "peak", FLAT, "valley", "deep_valley")

Kwh = dict[str, Fraction]
"""kWh by period; a customer without periods has everything in flat."""


class ImplausibleReading(Exception):
    """The register went back though it was not near its end."""


class NegativeChild(Exception):
    """A sub-meter came out below zero."""


def difference(*, start: Number, end: Number, digits: int, confirmed: bool = False) -> Fraction:
    """Return what a register counted, past its roll-over if it was near. Source: 2.2 (1)."""
    start, end, full = Fraction(start), Fraction(end), Fraction(10**digits)
    if end >= start:
        return end - start
    if not (confirmed or start >= full * 9 / 10):
        raise ImplausibleReading
    return full + end - start


@dataclass(frozen=True)
class Segment:
    """A register's way from `start` to `end`, on a meter that stayed on its place meanwhile."""

    start: Fraction
    end: Fraction
    digits: int
    multiplier: Fraction


def read(segments: list[Segment]) -> Fraction:
    """Return the kWh (or kvarh) of a register, each segment rounded. Source: 2.2 (2)."""
    return sum(
        (
            half_up(difference(start=s.start, end=s.end, digits=s.digits) * s.multiplier)
            for s in segments
        ),
        Fraction(),
    )


def balanced(*, total: Fraction, periods: Kwh) -> Kwh:
    """
    Give what the total register counted beyond the periods to flat. Source: 2.2 (3).

    What they counted beyond it by rounding, one kWh after the other, the largest gives back.
    """
    others = {name: kwh for name, kwh in periods.items() if name != FLAT}
    while whole(others) > total:
        # Taken down to nothing at a time, in the order of their codes where they are equal.
        largest = next(name for name in PERIOD_CODES if others.get(name) == max(others.values()))
        others[largest] -= min(others[largest], whole(others) - total)
    return others | {FLAT: total - whole(others)}


def whole(kwh: Kwh) -> Fraction:
    """Return the sum of the periods."""
    return sum(kwh.values(), Fraction())


def pro_rata(quantity: Fraction, *, registers: Kwh) -> Kwh:
    """Spread a quantity over periods as the registers are, the rest to flat. Source: 2.2 (4)."""
    total = whole(registers)
    parts = {
        name: half_up(quantity * kwh / total) if total else Fraction()
        for name, kwh in registers.items()
        if name != FLAT
    }
    return parts | {FLAT: quantity - whole(parts)}


def plus(left: Kwh, right: Kwh, *, sign: int = 1) -> Kwh:
    """Add (or take away) period by period."""
    return {
        name: left.get(name, Fraction()) + sign * right.get(name, Fraction())
        for name in left | right
    }


@dataclass(frozen=True)
class Child:
    """A sub-meter: fixed (`value` in kWh), ratio (`value` the part), measured (`own` by period)."""

    how: str
    value: Fraction = Fraction()
    own: Kwh = field(default_factory=dict)


def children_kwh(active: Fraction, children: list[Child]) -> list[Fraction]:
    """
    Return each child's kWh: every ratio is of active less all fixed. Source: 2.2 (4), 2.12a.

    Silent: ratios of all in all, each rounded up; the last to come gets what is there.
    """
    fixed = sum((child.value for child in children if child.how == "fixed"), Fraction())
    kwh_by = {
        "fixed": lambda child: child.value,
        "ratio": lambda child: half_up(child.value * (active - fixed)),
        "measured": lambda child: whole(child.own),
    }
    found = [kwh_by[child.how](child) for child in children]
    ratios = [index for index, child in enumerate(children) if child.how == "ratio"]
    if sum((children[index].value for index in ratios), Fraction()) <= 1:
        there = max(active - fixed, Fraction())
        for index in ratios:
            if found[index] >= 0:
                found[index] = min(found[index], there)
                there -= found[index]
    if any(kwh < 0 for kwh in found):
        raise NegativeChild
    return found


def deducted(main: Kwh, children: list[Child]) -> list[Kwh]:
    """
    Return the main's rest, then each child by period.

    Every child is taken out pro rata to the main's own registers, whatever its own are; one with
    registers of its own is billed by these. Source: 2.2 (4), 2.12a (silent: several children).
    """
    rest, found = main, []
    for child, kwh in zip(children, children_kwh(whole(main), children), strict=True):
        spread = pro_rata(kwh, registers=main)
        rest = plus(rest, spread, sign=-1)
        found.append(child.own or spread)
    return [rest, *found]


@dataclass(frozen=True)
class Transformer:
    """A nameplate: kVA, kW lost without load and at full load, percents, days run, load shape."""

    kva: Fraction
    no_load_kw: Fraction
    load_kw: Fraction
    no_load_current_percent: Fraction
    impedance_percent: Fraction
    days: int
    load_shape: Fraction


def transformer_loss(
    nameplate: Transformer, *, active: Fraction, reactive: Fraction
) -> tuple[Fraction, Fraction]:
    """Return the kWh and kvarh a transformer lost, whole numbers. Source: 2.8, 2.2 (5)."""
    hours = Fraction(24 * nameplate.days)
    turned = nameplate.load_shape * (active**2 + reactive**2) / (nameplate.kva**2 * hours)
    magnetising = nameplate.kva * nameplate.no_load_current_percent / 100
    leakage = nameplate.kva * nameplate.impedance_percent / 100
    return (
        half_up(nameplate.no_load_kw * hours + turned * nameplate.load_kw),
        half_up(magnetising * hours + turned * leakage),
    )


def line_loss_by_ratio(ratio: Fraction, *, read: Fraction, transformer: Fraction) -> Fraction:
    """Return the kWh a line lost: its ratio of read plus transformer loss. Source: 2.8."""
    return half_up(ratio * (read + transformer))


def shared_loss(loss: Fraction, *, points: list[Fraction]) -> list[Fraction]:
    """Share a loss by kWh, main first, the last takes the rest. Source: 2.2 (5), 2.12a."""
    return shares(loss, points)


def error_correction(recorded: Number, *, error: Number) -> Fraction:
    """Return the kWh to add for a meter that is wrong by `error` (fast: above 0). Source: 2.10."""
    return half_up(-Fraction(recorded) * Fraction(error) / (1 + Fraction(error)))


def factor_correction(recorded: Number, *, factor: Number) -> Fraction:
    """Return the kWh to add for wrong wiring with correction factor K. Source: 2.10."""
    return half_up(Fraction(recorded) * (Fraction(factor) - 1))


def multiplier_correction(recorded: Number, *, used: Number, true: Number) -> Fraction:
    """Return the kWh to add for a multiplier that was mistaken. Source: 2.10."""
    return half_up(Fraction(recorded) / Fraction(used) * (Fraction(true) - Fraction(used)))
