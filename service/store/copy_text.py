"""Rows in the text format of COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def lines(rows: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """
    Yield each of `rows` as a line that COPY reads back as the same values; None is NULL.

    Source: PostgreSQL 15, COPY, "Text Format".
    """
    for row in rows:
        yield "\t".join(map(_field, row)) + "\n"


def _field(value: object) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return str(value)
