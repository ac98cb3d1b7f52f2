"""Files of readings, line by line."""

from __future__ import annotations

import pytest

from service.api.reading_files import lines_of
from service.domain.reading_files import FileHeaderRefused, FileUnreadable

HEADER = "account_no,register,read_at,source"
READ_AT = "2026-03-31T18:00:00+08:00"
LINE = f"1000000005,1234.5,{READ_AT},manual"


def told(text):
    """Each line by its number, with its register, or the code of what is wrong with it."""
    raw = text if isinstance(text, bytes) else text.encode()
    return [
        (each.line, getattr(each.content, "code", None) or each.content.register)
        for each in lines_of(raw)
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{LINE}\n",
        f"{HEADER}\r\n{LINE}\r\n",
        f"{HEADER}\n{LINE}",
        f"\ufeff{HEADER}\n{LINE}\n",
        f'{HEADER}\n"1000000005","1234.5","{READ_AT}",manual\n',
        f"source, read_at,register,account_no\nmanual,{READ_AT},1234.5,1000000005\n",
        f"{HEADER},is_roll_over_confirmed\n{LINE},\n",
    ],
)
def test_a_file_is_read_however_a_spreadsheet_wrote_it(text):
    [line] = lines_of(text.encode())
    assert (line.line, line.account_no) == (2, "1000000005")
    assert (line.content.register, line.content.source) == ("1234.5", "manual")
    assert line.content.read_at.isoformat() == READ_AT
    assert line.content.is_roll_over_confirmed is False


@pytest.mark.parametrize("text", ["true", "TRUE"])
def test_a_roll_over_may_be_confirmed(text):
    [line] = lines_of(f"{HEADER},is_roll_over_confirmed\n{LINE},{text}\n".encode())
    assert line.content.is_roll_over_confirmed is True


def test_a_confirmation_that_is_neither_is_malformed():
    text = f"{HEADER},is_roll_over_confirmed\n{LINE},perhaps\n"
    assert told(text) == [(2, "READING_LINE_MALFORMED")]


@pytest.mark.parametrize(
    "line",
    [
        "1000000005,1234.5,2026-03-31T18:00:00,manual",  # no offset
        "1000000005,1234.5,yesterday,manual",
        "1000000005,1234.5,46112.75,manual",  # what a spreadsheet counts days in
        "1000000005,1234.5,1774951200,manual",
        "1000000005,1234.5",
        f"{LINE},more",
    ],
)
def test_a_malformed_line_is_refused_by_itself(line):
    assert told(f"{HEADER}\n{line}\n\n,,,\n{LINE}\n") == [
        (2, "READING_LINE_MALFORMED"), (5, "1234.5"),
    ]  # fmt: skip


def test_a_short_line_is_malformed_also_where_the_last_column_may_be_empty():
    assert told(f"{HEADER},is_roll_over_confirmed\n{LINE}\n") == [(2, "READING_LINE_MALFORMED")]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "account_no,register,read_at",
        f"{HEADER},source",
        f"{HEADER},remark",
        HEADER.replace(",", ";"),
        LINE,
    ],
)
def test_a_file_that_does_not_name_its_columns_is_refused(header):
    with pytest.raises(FileHeaderRefused):
        told(f"{header}\n{LINE}\n")


@pytest.mark.parametrize("raw", [b"\xff\xfe", f'{HEADER}\n"{LINE}'.encode(), b"\xc4\xe3"])
def test_what_is_no_table_in_utf_8_is_refused(raw):
    with pytest.raises(FileUnreadable):
        told(raw)


def test_an_empty_file_names_no_columns():
    with pytest.raises(FileHeaderRefused):
        told("")


def test_a_header_alone_is_a_file_without_readings():
    assert told(HEADER) == []
