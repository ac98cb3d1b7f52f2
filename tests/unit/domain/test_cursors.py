"""Cursors of long lists."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.cursors import CursorBroken, decode, encode

TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=("C", "Z")), max_size=20)


@given(TEXTS, st.integers(0, 10**18 - 1))
def test_a_cursor_leads_back_to_its_key(text, number):
    assert decode(encode((text, number)), str, int) == (text, number)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 10**18 - 1))
def test_a_cursor_leads_back_to_its_moment(moment, number):
    assert decode(encode((moment, number)), datetime, int) == (moment, number)


def made_up(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "!!!",
        "a",
        "ä",
        "A" * 401,
        made_up("one"),
        made_up("one\tx"),
        made_up("one\t-1"),
        made_up("one\t1_0"),
        made_up("one\t1\t2"),
        made_up("nul\x00\t1"),
        made_up("one\t" + "9" * 19),
        base64.urlsafe_b64encode(b"\xff\t1").decode(),
    ],
)
def test_a_cursor_that_we_did_not_give_out_is_refused(text):
    with pytest.raises(CursorBroken):
        decode(text, str, int)


@pytest.mark.parametrize(
    "moment",
    [
        "2026-04-15",
        "2026-04-15 02:00:00",
        "2026-04-15 02:00:00+23:59",
        "0001-01-01 00:00:00+14:00",
        "99999-01-01 00:00:00+00:00",
        "infinity",
        "",
    ],
)
def test_a_moment_of_a_cursor_is_one_of_ours(moment):
    with pytest.raises(CursorBroken):
        decode(made_up(f"{moment}\t1"), datetime, int)
