"""Rating: the priced lines that a month's energy comes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Prices are whole numbers of 1e-8 yuan, amounts whole fen (1e-2 yuan).
_PRICE_UNITS_PER_FEN = 1_000_000
_HALF_FEN = _PRICE_UNITS_PER_FEN // 2


class Price(NamedTuple):
    """
    One price of a catalogue version, per kWh.

    `price` is in 1e-8 yuan. `upto_kwh` is the monthly upper end of `tier`, the end included; None
    for the last tier, which has no end, and for a price without tiers, whose `tier` is None.

    A tuple, as is `Line`, because a bill run makes tens of millions of lines: measured, a frozen
    dataclass takes about three times as long to build.
    """

    component: str
    tier: int | None
    upto_kwh: int | None
    price: int
    is_levy: bool


class Line(NamedTuple):
    """One line of a bill: `quantity_kwh` at `price` (1e-8 yuan), rounded to `amount_fen`."""

    component: str
    tier: int | None
    quantity_kwh: int
    price: int
    amount_fen: int
    is_levy: bool


def amount_fen(*, quantity_kwh: int, price: int) -> int:
    """
    Return what `quantity_kwh` cost at `price` (1e-8 yuan per kWh), in fen, half up.

    Source: domain rule 2.12 (each line is rounded by itself, half up, negatives away from zero).
    """
    product = quantity_kwh * price
    if product < 0:
        return -((_HALF_FEN - product) // _PRICE_UNITS_PER_FEN)
    return (product + _HALF_FEN) // _PRICE_UNITS_PER_FEN


def lines_of(*, consumption_kwh: int, prices: Sequence[Price], months: int = 1) -> tuple[Line, ...]:
    """
    Return the lines of a bill over `consumption_kwh`, in the order of `prices`.

    A price without tiers holds for all the energy. A tier prices only the energy inside it; a bill
    over several months widens every tier that often. A tier that no energy reaches has no line,
    but the first: a bill without consumption says so. Tiers of one component follow each other in
    `prices`, the first numbered 1 and the last without an upper end.

    Source: NDRC 2011 tier guidance (stepwise mode), domain rules 2.6 and 2.7; examples E01, E06.
    """
    lines = []
    priced_kwh = 0
    for component, tier, upto_kwh, price, is_levy in prices:
        quantity_kwh = consumption_kwh
        if tier is not None:
            if tier == 1:
                priced_kwh = 0
            if upto_kwh is not None:
                quantity_kwh = min(consumption_kwh, upto_kwh * months)
            quantity_kwh -= priced_kwh
            if quantity_kwh <= 0 and tier > 1:
                continue
            priced_kwh += quantity_kwh
        amount = amount_fen(quantity_kwh=quantity_kwh, price=price)
        lines.append(Line(component, tier, quantity_kwh, price, amount, is_levy))
    return tuple(lines)


def total_fen(lines: Sequence[Line]) -> int:
    """Return the amount of a bill in fen: the sum of its rounded lines."""
    return sum(line.amount_fen for line in lines)
