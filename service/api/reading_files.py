"""HTTP for files of readings."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

import msgspec

from service.api import answers, bodies
from service.api.operations import Operation, promises
from service.api.readings import ReadingsAnswered, ReadingSent
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.domain.errors import Refusal
from service.domain.reading_files import (
    FileHeaderRefused,
    FileLine,
    FileUnreadable,
    ReadingLineMalformed,
)
from service.domain.readings import NewReading
from service.domain.registers import COUNTED
from service.usecases.readings import post_reading_file

CSV = "text/csv"
_OPTIONAL = "is_roll_over_confirmed"
_REGISTERS = frozenset(COUNTED)
_NEEDED = frozenset({"account_no", "register", "read_at", "source"})
_BOOLEANS = {"true": True, "false": False}
_EXAMPLE = """account_no,register,read_at,source
1000000005,1234.5,2026-03-31T18:00:00+08:00,manual
1000000012,871,2026-03-31T18:05:00+08:00,manual
"""


class ReadingFiles(Resource):
    """`/v1/reading-files`"""

    @promises(
        Operation(
            summary="Record a CSV file of readings; every line is accepted or refused by itself.",
            permission="readings.post",
            body=ReadingSent,
            body_media_type=CSV,
            example=_EXAMPLE,
            answer=ReadingsAnswered,
        )
    )
    def on_post(self, req: Request, resp: Response) -> None:
        """Record readings."""
        raw = bodies.read(req, media_type=CSV, at_most_bytes=bodies.JSON_MAX_BYTES)
        once = bodies.once(req, raw)
        answer = post_reading_file(
            database=req.database,
            caller=req.caller,
            once=once,
            lines=list(lines_of(raw)),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


def lines_of(raw: bytes) -> Iterator[FileLine]:
    """
    Yield the lines of a file after the first, which names the columns; empty ones are left out.

    The mark that spreadsheets begin such a file with is passed over.
    :raises FileUnreadable: if it is no table in UTF-8
    :raises FileHeaderRefused: if the columns are not those that there are
    """
    try:
        rows = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        columns = [name.strip() for name in next(rows, [])]
        _check_columns(columns)
        for fields in rows:
            if any(fields):
                yield _line(rows.line_num, columns, fields)
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileUnreadable(f"the file cannot be read: {error}") from error


def _check_columns(columns: Sequence[str]) -> None:
    named = set(columns)
    if len(named) < len(columns) or named - {_OPTIONAL} - _REGISTERS != _NEEDED:
        raise FileHeaderRefused(f"the first line is {','.join(columns)[:200]!r}")


def _line(number: int, columns: Sequence[str], fields: Sequence[str]) -> FileLine:
    found = dict(zip(columns, fields, strict=False))
    content: NewReading | Refusal
    if len(fields) == len(columns):
        content = _content(found)
    else:
        content = ReadingLineMalformed(f"{len(fields)} fields, {len(columns)} columns")
    return FileLine(line=number, account_no=found.get("account_no", ""), content=content)


def _content(found: dict[str, str]) -> NewReading | Refusal:
    said: dict[str, object] = {name: text for name, text in found.items() if name in _NEEDED}
    # A field that is empty says that the line's meter has no such register.
    said["periods"] = {name: found[name] for name in COUNTED if found.get(name)}
    confirmed = found.get(_OPTIONAL, "")
    said[_OPTIONAL] = _BOOLEANS.get(confirmed.lower(), confirmed) if confirmed else False
    try:
        sent = msgspec.convert(said, ReadingSent)
    except msgspec.ValidationError as error:
        return ReadingLineMalformed(str(error))
    return msgspec.convert(sent, NewReading, from_attributes=True)
