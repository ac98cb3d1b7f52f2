"""Lines of corrections as the database keeps them: a list of objects, in JSON."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from service.domain.calculations import Line
from service.domain.tariffs import Unit
from service.domain.tou import Period


class _Kept(msgspec.Struct, frozen=True):
    component: str
    period: Period | None
    tier: int | None
    quantity: int
    unit: Unit
    price: int
    amount_fen: int
    is_levy: bool
    version: str


def to_text(lines: Iterable[Line]) -> str:
    """Write lines; `price` in 1e-8 yuan a unit, quantities whole."""
    names = _Kept.__struct_fields__
    kept = [{name: getattr(line, name) for name in names} for line in lines]
    return msgspec.json.encode(kept).decode()


def from_text(text: str) -> tuple[Line, ...]:
    """Read the lines that `to_text` has written, in whatever order of names."""
    return tuple(
        Line(portion=0, is_in_base=not kept.is_levy, **msgspec.structs.asdict(kept))
        for kept in msgspec.json.decode(text, type=list[_Kept])
    )
