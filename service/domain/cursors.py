"""Cursors: where the next page of a long list begins, opaque to the client."""

from __future__ import annotations

import base64
import binascii
from datetime import date, datetime, timedelta
from typing import Any

from service.domain.errors import Invalid

_CURSOR_LENGTH_MAX = 400  # Longer than any key of ours; a longer one was not made by us.
_INTEGER_DIGITS_MAX = 18  # What a bigint of PostgreSQL surely holds.
_SEPARATOR = "\t"


class CursorBroken(Invalid):
    """A cursor was not given out by us for the list it is used on."""

    code = "CURSOR_BROKEN"
    hint = "Pass next_cursor as it was answered, or leave it out to begin again."


def encode(values: tuple[str | int | date, ...]) -> str:
    """Return the cursor of the page after the row with the key `values`; moments are in UTC."""
    parts = [str(value) for value in values]
    assert not any(_SEPARATOR in part for part in parts), "a tab separates the parts"
    return base64.urlsafe_b64encode(_SEPARATOR.join(parts).encode()).decode().rstrip("=")


def decode(text: str, *types: type[str | int | date]) -> tuple[Any, ...]:
    """
    Return the key that the cursor `text` was made from, one value of each of `types`.

    The client could have made it up: what it names may not exist, or lie in another bureau.
    :raises CursorBroken: if it does not hold values of these types
    """
    if len(text) > _CURSOR_LENGTH_MAX:
        raise CursorBroken(f"cursor is {len(text)} characters long")
    try:
        padded = text + "=" * (-len(text) % 4)
        parts = base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(_SEPARATOR)
        return tuple(_value(part, kind) for part, kind in zip(parts, types, strict=True))
    except (binascii.Error, ValueError) as error:
        raise CursorBroken(f"cursor is {text!r}") from error


def _value(part: str, kind: type[str | int | date]) -> str | int | date:
    if kind is datetime:
        return _moment(part)
    if kind is date:
        return date.fromisoformat(part)
    if kind is int and part.isascii() and part.isdigit() and len(part) <= _INTEGER_DIGITS_MAX:
        return int(part)
    if kind is str and part.isprintable():
        return part
    raise ValueError(part)


def _moment(part: str) -> datetime:
    """Return a moment as we write it; PostgreSQL does not know every offset that Python does."""
    moment = datetime.fromisoformat(part)
    if moment.utcoffset() != timedelta(0):
        raise ValueError(part)
    return moment
