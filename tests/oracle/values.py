"""
Values that customers are made of, drawn often at the edges where rounding decides.

Each is made of one number of hypothesis: it takes longer to draw than both sides to calculate.
"""

from collections.abc import Callable
from fractions import Fraction

from hypothesis import strategies as st

from tests.oracle.charges import Price
from tests.oracle.quantities import FLAT, Segment

CENT = Fraction(1, 100)  # Registers, kVA and kW show two decimals.
RATIOS = {
    FLAT: Fraction(1),
    "peak": Fraction(3, 2),
    "valley": Fraction(1, 2),
    "sharp": Fraction(9, 5),
    "deep_valley": Fraction(2, 5),
}
LEVIES = {name: Fraction(name) for name in ("0.02", "0.019", "0.001969", "0.006225", "0.0005")}
MULTIPLIERS = [(1,), (1,), (15,), (80,), (1500,), (1, 1), (30, 40), (3000, 1)]
"""The multiplier of a meter; of the one that it was exchanged for, too."""
SPELLS = [
    *[(30,), (31,), (28,)],
    *[(16, 14), (1, 30), (15, 15), (27, 1)],
    *[(10, 10, 10), (1, 1, 29), (14, 1, 15)],
]
"""The days of a bill; of each price, if it changes."""

Draw = Callable[[], int]
"""Draws a number from 0 to ten millions."""

numbers = st.integers(0, 10_000_000)


def one(draw: Draw, choices):
    """Return one of the choices."""
    return choices[draw() % len(choices)]


def decimals(draw: Draw, low: int, high: int) -> Fraction:
    """Return a number of two decimals."""
    return low + draw() % ((high - low) * 100 + 1) * CENT


def near(draw: Draw, edge: Fraction, *, most: int) -> Fraction:
    """Return a number of two decimals: the edge, the next to it, or any."""
    number = draw()
    at = [max(edge - CENT, Fraction()), edge, edge + CENT]
    return number // 2 % (most * 100) * CENT if number % 2 else at[number // 2 % 3]


def kwh(draw: Draw, edges: list[int], *, most: int) -> int:
    """Return kWh: none, at an edge, any."""
    number = draw()
    at = [max(edge + step, 0) for edge in [0, *edges] for step in (0, 1, -1)]
    return number // 2 % (most + 1) if number % 2 else at[number // 2 % len(at)]


def price(draw: Draw) -> Fraction:
    """Return a price of three decimals (many ties at half a fen), or one of all seven."""
    number = draw()
    return Fraction(number // 2 % 2000, 1000) if number % 2 else Fraction(number, 10**7)


def prices(draw: Draw, names: dict[str, Fraction], spells: tuple[int, ...]):
    """Draw a base, what every change adds; the prices of the names follow from their ratio."""
    base, more = price(draw), price(draw) if len(spells) > 1 else 0
    return {
        name: [
            Price(Fraction(int((base + index * more) * ratio * 10**7), 10**7), days)
            for index, days in enumerate(spells)
        ]
        for name, ratio in names.items()
    }


def segment(draw: Draw, counted: Fraction, *, multiplier: int, is_exact: bool = False) -> Segment:
    """
    Draw a register that counted so much, or a little more for the rounding to decide.

    It rolls over now and then, from nine tenths of its range on.
    """
    number = draw()
    advance = counted if is_exact else counted // (multiplier * CENT) * CENT
    if number % 2 and not is_exact:
        advance += number // 2 % 100 * CENT
    digits = next(n for n in range(5, 12) if advance * 10 < 10**n)
    full = 10**digits
    starts = [full - CENT, full * Fraction(9, 10), full - advance, full - advance - CENT]
    edge, start = number // 2 % 16, Fraction(number * 97 % (full // 2))
    start = min(starts[edge], full - CENT) if edge < len(starts) else start
    return Segment(start, (start + advance) % full, digits, Fraction(multiplier))


def meter(draw: Draw, kwh_by: dict[str, int]) -> dict[str, list[Segment]]:
    """
    Draw the registers of a meter, exchanged now and then, with the total of its periods.

    The flat period has no register: it is what the others leave of the total.
    """
    found: dict[str, list[Segment]] = {name: [] for name in ("total", *kwh_by) if name != FLAT}
    for multiplier in one(draw, MULTIPLIERS):
        total = Fraction()
        for name, wanted in kwh_by.items():
            register = segment(draw, Fraction(wanted), multiplier=multiplier)
            if name != "reactive":
                total += (register.end - register.start) % 10**register.digits
            if name != FLAT:
                found[name].append(register)
        found["total"].append(segment(draw, total, multiplier=multiplier, is_exact=True))
    return found
