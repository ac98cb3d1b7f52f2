"""Explanations: the words that tell a customer why a line of a bill costs what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from service.domain import calculations
from service.domain.prices import yuan_text
from service.domain.rating import Line

_FEN_PER_YUAN = 100
_PRICE_UNITS_PER_FEN = 1_000_000


def reasons(lines: Iterable[Line], *, legal_document: str) -> Iterator[str]:
    """
    Yield for each line of a bill, in their order, how its amount came about.

    :param legal_document: what set the prices, named at the end of each sentence
    """
    reached_kwh = 0
    for line in lines:
        where = ""
        if line.tier is not None:
            reached_kwh = line.quantity_kwh + (reached_kwh if line.tier > 1 else 0)
            where = _tier_text(line, reached_kwh)
        yield f"{where}{_product_text(line)} ({legal_document})"


def formula(line: calculations.Line) -> str:
    """Return how the amount of a calculated line came about, in one sentence."""
    if line.unit == "fen":
        percent = yuan_text(line.price * _PRICE_UNITS_PER_FEN)
        base, amount = _yuan(int(line.quantity)), _yuan(line.amount_fen)
        return f"{percent} % of {base} yuan, half up {amount} yuan"
    days = "" if line.days is None else f" × {line.days}/30"
    product = f"{line.quantity} {line.unit} × {yuan_text(line.price)} yuan{days}"
    return f"{product}, half up {_yuan(line.amount_fen)} yuan"


def _tier_text(line: Line, reached_kwh: int) -> str:
    if line.quantity_kwh == 0:
        return f"tier {line.tier}, no energy: "
    first_kwh = reached_kwh - line.quantity_kwh + 1
    return f"tier {line.tier}, kWh {first_kwh} to {reached_kwh} of the bill: "


def _product_text(line: Line) -> str:
    product = line.quantity_kwh * line.price
    text = f"{line.quantity_kwh} kWh × {yuan_text(line.price)} yuan"
    if product == line.amount_fen * _PRICE_UNITS_PER_FEN:
        return f"{text} = {_yuan(line.amount_fen)} yuan"
    return f"{text} = {yuan_text(product)}, half up {_yuan(line.amount_fen)} yuan"


def _yuan(amount_fen: int) -> str:
    sign = "-" if amount_fen < 0 else ""
    whole, fen = divmod(abs(amount_fen), _FEN_PER_YUAN)
    return f"{sign}{whole}.{fen:02}"
