"""From kWh and kW to yuan, charge by charge: each function gives the rounded lines of one rule."""

from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.exact import half_up, shares, yuan


@dataclass(frozen=True)
class Line:
    """One line of a bill: what for, how much, the rounded yuan; of which point, 0 the main."""

    what: str
    quantity: Fraction
    amount: Fraction
    point: int | None = None


@dataclass(frozen=True)
class Price:
    """A price in yuan (None: there is none) and the days of the bill on which it holds."""

    yuan: Fraction | None
    days: int


def priced(what: str, quantity: Fraction, prices: list[Price]) -> list[Line]:
    """Price a quantity; a change of price splits it by days. Source: 2.12, 2.12a."""
    return at_prices(what, by_days(quantity, prices), prices)


def by_days(quantity: Fraction, prices: list[Price]) -> list[Fraction]:
    """Split a quantity over the days of its prices."""
    return shares(quantity, [Fraction(price.days) for price in prices])


def at_prices(what: str, pieces: list[Fraction], prices: list[Price]) -> list[Line]:
    """Price each piece by its own price."""
    return [
        Line(what, kwh, yuan(kwh * price.yuan))
        for kwh, price in zip(pieces, prices, strict=True)
        if price.yuan is not None
    ]


@dataclass(frozen=True)
class Steps:
    """Where tiers 1 and 2 (and so on) end, in kWh of the months that `scheme` counts."""

    limits: list[Fraction]
    scheme: str  # "month": limits of one month; "year": limits of twelve

    def within(self, *, months: int, extension: Fraction, widen: bool) -> list[Fraction]:
        """
        Return the limits for so many months, with a large household's extra kWh a month.

        Source: 2.6 (a month: times the months billed; a year: times months/12), 2.12 (whole kWh).
        """
        base = Fraction(months) if self.scheme == "month" else Fraction(months, 12)
        extra = extension * months
        return [
            half_up(limit * base) + (extra if index == 0 or not widen else 0)
            for index, limit in enumerate(self.limits)
        ]


def tiered(quantity: Fraction, *, limits: list[Fraction], before: Fraction) -> list[Fraction]:
    """Split kWh that follow `before` kWh of the same year over tiers. Source: 2.6, 2.12a."""
    parts, lower = [], Fraction()
    end = before + quantity
    for limit in limits:
        upper = max(limit, lower)  # a widened tier 1 may leave tier 2 empty
        parts.append(max(min(end, upper) - max(before, lower), Fraction()))
        lower = upper
    parts.append(max(end - max(before, lower), Fraction()))
    return parts


def power_factor(*, active: Fraction, reactive: Fraction) -> int | None:
    """Return hundredths, half up, compared without a root; None without energy. Source: 2.4."""
    square = active**2 + reactive**2
    if not square:
        return None
    return next(
        h for h in range(100, -1, -1) if max(2 * h - 1, 0) ** 2 * square <= (200 * active) ** 2
    )


def percent(standard: int, hundredths: int) -> Fraction:
    """
    Return the percent added (above 0) or taken off, by the rule form of the table.

    Above the standard each 0.01 takes off 0.1 up to 0.90 and 0.15 beyond it, to the most of
    0.75, 1.10, 1.30; below, 20 steps cost 0.5, the next 5 cost 1, each further one 2. Source: 2.4.
    """
    if hundredths >= standard:
        slow = min(hundredths, 90) - standard
        fast = max(hundredths - 90, 0)
        most = {90: Fraction(75, 100), 85: Fraction(110, 100), 80: Fraction(130, 100)}[standard]
        return -min(Fraction(slow, 10) + Fraction(15 * fast, 100), most)
    steps = standard - hundredths
    return Fraction(min(steps, 20), 2) + min(max(steps - 20, 0), 5) + 2 * max(steps - 25, 0)


def adjustment(base: Fraction, *, standard: int, hundredths: int) -> Line:
    """Return the power-factor line on the sum of the rounded base lines. Source: 2.4, 2.12a."""
    return Line("power_factor", base, yuan(base * percent(standard, hundredths) / 100))


def subsidy(used: Fraction, *, free: Fraction, price: Fraction) -> Line:
    """Refund the free kWh, no more than used, at the tier-1 price. Source: 2.6, 2.12a."""
    kwh = min(free, max(used, Fraction(0)))
    return Line("subsidy", -kwh, -yuan(kwh * price))
