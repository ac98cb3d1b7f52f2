"""Explanations: the words that tell a customer why a line of a bill costs what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from service.domain.bill_details import BillLine
from service.domain.calculations import Line
from service.domain.prices import yuan_text

_FEN_PER_YUAN = 100
_PRICE_UNITS_PER_FEN = 1_000_000


def reasons(
    lines: Sequence[Line], *, documents: Mapping[str, str], begins_at_first_tier: bool = True
) -> Iterator[str]:
    """
    Yield for each line of a bill, in their order, how its amount came about.

    :param documents: what set the prices of each version, named at the end of each sentence
    :param begins_at_first_tier: whether its first kWh is the first of the bill; that of a
        correction is not, it comes behind the energy of other bills
    """
    is_counted = (
        begins_at_first_tier
        and len({line.version for line in lines}) == 1
        and all(line.quantity >= 0 for line in lines if line.tier is not None)
    )
    counted = {line.component for line in lines if line.tier == 1 and is_counted}
    reached_kwh = 0
    for line in lines:
        where = ""
        if line.component in counted:
            quantity_kwh = int(line.quantity)
            reached_kwh = quantity_kwh + (reached_kwh if line.tier != 1 else 0)
            where = _tier_text(line.tier, quantity_kwh, reached_kwh)
        elif line.tier is not None:
            where = f"tier {line.tier}: "
        elif line.period is not None:
            where = f"{line.period}: "
        # What is about money, or not about whole units, is told as trials tell it.
        is_in_whole_units = line.unit in {"kWh", "month"}
        told = _product_text(line) if is_in_whole_units else formula(line)
        yield f"{where}{told} ({documents[line.version]})"


def in_words(
    lines: Sequence[Line],
    *,
    whys: Iterable[str],
    documents: Mapping[str, str],
    categories: Mapping[str, str] = MappingProxyType({}),
) -> tuple[BillLine, ...]:
    """
    Return the lines of a bill as they are shown, each with why it is what it is.

    :param categories: those of the versions that are of another category than the account
    """
    return tuple(
        BillLine(
            component=line.component,
            period=line.period,
            tier=line.tier,
            quantity=str(line.quantity),
            unit=line.unit,
            price_yuan=_price_text(line),
            amount_fen=line.amount_fen,
            is_levy=line.is_levy,
            legal_document=documents[line.version],
            why=why,
            days=line.days,
            category=categories.get(line.version),
        )
        for line, why in zip(lines, whys, strict=True)
    )


def _price_text(line: Line) -> str:
    """Return the price of a line in yuan, of the power factor's adjustment in percent."""
    return yuan_text(line.price * _PRICE_UNITS_PER_FEN if line.unit == "fen" else line.price)


def formula(line: Line) -> str:
    """Return how the amount of a calculated line came about, in one sentence."""
    if line.unit == "fen":
        percent = _price_text(line)
        base, amount = _yuan(int(line.quantity)), _yuan(line.amount_fen)
        return f"{percent} % of {base} yuan, half up {amount} yuan"
    days = "" if line.days is None else f" × {line.days}/30"
    product = f"{line.quantity} {line.unit} × {yuan_text(line.price)} yuan{days}"
    return f"{product}, half up {_yuan(line.amount_fen)} yuan"


def _tier_text(tier: int | None, quantity_kwh: int, reached_kwh: int) -> str:
    if quantity_kwh == 0:
        return f"tier {tier}, no energy: "
    first_kwh = reached_kwh - quantity_kwh + 1
    return f"tier {tier}, kWh {first_kwh} to {reached_kwh} of the bill: "


def _product_text(line: Line) -> str:
    product = int(line.quantity) * line.price
    unit = "months" if line.unit == "month" else line.unit
    text = f"{line.quantity} {unit} × {yuan_text(line.price)} yuan"
    if product == line.amount_fen * _PRICE_UNITS_PER_FEN:
        return f"{text} = {_yuan(line.amount_fen)} yuan"
    return f"{text} = {yuan_text(product)}, half up {_yuan(line.amount_fen)} yuan"


def _yuan(amount_fen: int) -> str:
    sign = "-" if amount_fen < 0 else ""
    whole, fen = divmod(abs(amount_fen), _FEN_PER_YUAN)
    return f"{sign}{whole}.{fen:02}"
