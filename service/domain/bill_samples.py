"""Bill samples: the calculated bills of a run that somebody looks at before all are issued."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from service.domain.bill_bases import Basis
from service.domain.bill_details import BillLine
from service.domain.bills import Bill
from service.domain.reading_checks import Use

Rule = Literal[
    "largest_amount",
    "largest_change",
    "estimated",
    "meter_exchanged",
    "apportioned",
    "year_settled",
    "first_of_category",
]


class Calculated(NamedTuple):
    """A bill with what it was calculated from."""

    basis: Basis
    bill: Bill


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSample:
    """
    A bill as it is to be issued, with the rules that chose it of some hundred accounts.

    `removed_meters` says what those measured that were exchanged meanwhile; `used_before` is what
    the newest three bills came to, null if there are fewer.
    """

    account_no: str
    rules: tuple[Rule, ...]
    category: str
    consumption_kwh: int
    amount_fen: int
    previous_read_at: datetime
    previous_register: Decimal
    read_at: datetime
    register: Decimal
    multiplier: Decimal
    removed_meters: tuple[str, ...]
    used_before: str | None
    lines: tuple[BillLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePage:
    """Samples in the order of their accounts."""

    items: list[BillSample]
    next_cursor: str | None


def chosen(calculated: Sequence[Calculated]) -> list[tuple[Calculated, tuple[Rule, ...]]]:
    """Return the bills of a chunk that stand for the others, each with the rules that chose it."""
    rules: dict[int, list[Rule]] = defaultdict(list)
    for rule, index in _choices(calculated):
        rules[index].append(rule)
    return [(calculated[index], tuple(rules[index])) for index in sorted(rules)]


def sample(each: Calculated, *, rules: tuple[Rule, ...], lines: tuple[BillLine, ...]) -> BillSample:
    """Return what is shown of a bill; `lines` are its own, in words."""
    basis, bill = each
    return BillSample(
        account_no=basis.account_no,
        rules=rules,
        category=bill.category,
        consumption_kwh=bill.consumption_kwh,
        amount_fen=bill.amount_fen,
        previous_read_at=bill.previous.read_at,
        previous_register=bill.previous.register,
        read_at=bill.reading.read_at,
        register=bill.reading.register,
        multiplier=bill.multiplier,
        removed_meters=tuple(f"{span} = {span.kwh} kWh" for span in basis.removed),
        used_before=str(basis.used_before) if basis.used_before else None,
        lines=lines,
    )


def _choices(calculated: Sequence[Calculated]) -> Iterator[tuple[Rule, int]]:
    """Yield the index of what each rule chooses, the first of several that are alike."""
    numbers = range(len(calculated))
    if calculated:
        yield "largest_amount", max(numbers, key=lambda index: calculated[index].bill.amount_fen)
    compared = [index for index in numbers if calculated[index].basis.used_before is not None]
    if compared:
        yield "largest_change", max(compared, key=lambda index: _change(calculated[index]))
    yield from _unusual(calculated)
    seen = set()
    for index in numbers:
        category = calculated[index].bill.category
        if category not in seen:
            seen.add(category)
            yield "first_of_category", index


def _unusual(calculated: Sequence[Calculated]) -> Iterator[tuple[Rule, int]]:
    bases = [basis for basis, _ in calculated]
    estimated = [index for index, basis in enumerate(bases) if basis.estimated_kwh is not None]
    if estimated:
        yield "estimated", estimated[0]
    unusual: dict[Rule, list[int]] = {
        "meter_exchanged": [index for index, basis in enumerate(bases) if basis.removed],
        "apportioned": [index for index, basis in enumerate(bases) if basis.part_categories],
        "year_settled": [index for index, basis in enumerate(bases) if basis.year],
    }
    for rule, found in unusual.items():
        if found:
            yield rule, max(found, key=lambda index: calculated[index].bill.consumption_kwh)


def _change(each: Calculated) -> Fraction:
    """Return by which part of what was used a day before, a day's use has changed."""
    before, bill = each.basis.used_before, each.bill
    assert before is not None, "only what can be compared is"
    read_kwh = bill.consumption_kwh - bill.lost_kwh
    use = Use.between(bill.previous.read_at, bill.reading.read_at, kwh=read_kwh)
    difference = abs(use.kwh * before.days - before.kwh * use.days)
    return Fraction(difference, max(before.kwh * use.days, 1))
