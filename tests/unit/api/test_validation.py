from __future__ import annotations

from typing import Annotated

import msgspec
import pytest

from service.api.validation import Page, ParameterInvalid, Text, faulty_fields, parameters


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    kwh: int


class Sent(msgspec.Struct, forbid_unknown_fields=True):
    name: Text
    items: list[Inner]
    amount_fen: Annotated[int, msgspec.Meta(ge=1)]
    note: Text | None = None


@pytest.mark.parametrize(
    ("found", "paths"),
    [
        ({"name": "Li", "items": [], "amount_fen": 1}, []),
        ({}, ["name", "items", "amount_fen"]),
        ({"name": "", "items": 5, "amount_fen": 0}, ["name", "items", "amount_fen"]),
        ({"name": "Li", "items": [], "amount_fen": 1, "note": 1}, ["note"]),
        ({"name": "Li", "items": [{"kwh": 1}, {"kwh": "1"}], "amount_fen": 1}, ["items[1].kwh"]),
        ({"name": "Li", "items": [{"kwh": 1, "x": 2}], "amount_fen": 1}, ["items[0]"]),
        ({"name": "Li", "items": [], "amount_fen": 1, "b": 1, "a": 2}, ["b", "a"]),
        ([], []),
        (None, []),
    ],
)
def test_every_faulty_field_is_named(found, paths):
    assert [fault.path for fault in faulty_fields(found, Sent)] == paths


def test_a_fault_says_what_was_expected():
    (fault,) = faulty_fields({"name": "Li", "items": [], "amount_fen": "1"}, Sent)
    assert fault.detail == "Expected `int`, got `str`"


@pytest.mark.parametrize("text", ["", "a\x00", "\n", "a\n", "a\x7fb", "a" * 201])
def test_text_is_short_and_can_be_printed(text):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Text)


@pytest.mark.parametrize("text", ["a", "人民路 1 号 1-101", "a" * 200, " "])
def test_text_may_be_in_any_script(text):
    assert msgspec.convert(text, Text) == text


def test_a_page_is_fifty_long_unless_asked_otherwise():
    assert parameters({}, Page) == Page(limit=50, cursor=None)
    assert parameters({"limit": "100", "cursor": "abc"}, Page) == Page(limit=100, cursor="abc")


@pytest.mark.parametrize(
    "found",
    [{"limit": "0"}, {"limit": "101"}, {"limit": "1.5"}, {"limit": ["1", "2"]}, {"page": "2"}],
)
def test_a_page_that_cannot_be_is_refused(found):
    with pytest.raises(ParameterInvalid) as refused:
        parameters(found, Page)
    assert [fault.path for fault in refused.value.fields] == list(found)
