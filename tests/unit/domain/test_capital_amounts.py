"""Amounts in capital characters: as the rules for vouchers write them, and never ambiguous."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.capital_amounts import capital_amount

DIGITS = {character: value for value, character in enumerate("零壹贰叁肆伍陆柒捌玖")}
PLACES = {"拾": 10, "佰": 100, "仟": 1000}


@pytest.mark.parametrize(
    ("amount_fen", "text"),
    [
        # Of annex 1 of the rules: 1,409.50; 6,007.14; 1,680.32; 107,000.53; 16,409.02; 325.04.
        (140_950, "人民币壹仟肆佰零玖元伍角整"),
        (600_714, "人民币陆仟零柒元壹角肆分"),
        (168_032, "人民币壹仟陆佰捌拾元叁角贰分"),
        (10_700_053, "人民币壹拾万零柒仟元伍角叁分"),
        (1_640_902, "人民币壹万陆仟肆佰零玖元零贰分"),
        (32_504, "人民币叁佰贰拾伍元零肆分"),
        (17_170, "人民币壹佰柒拾壹元柒角整"),
        (100, "人民币壹元整"),
        (10, "人民币壹角整"),
        (1, "人民币壹分"),
        (0, "人民币零元整"),
        (-17_170, "人民币负壹佰柒拾壹元柒角整"),
        (1_000_000_00, "人民币壹佰万元整"),
        (1_000_010_00, "人民币壹佰万零壹拾元整"),
        (100_000_000_00, "人民币壹亿元整"),
        (100_010_000_00, "人民币壹亿零壹万元整"),
        (2_000_000_000_000_00, "人民币贰万亿元整"),
    ],
)
def test_worked_examples(amount_fen, text):
    assert capital_amount(amount_fen) == text


GROUPS = re.compile(r"(?:(.+?)万亿)?(?:(.+?)亿)?(?:(.+?)万)?(.*)")


def value_fen(text):
    """Read an amount back, by a second way."""
    sign = -1 if "负" in text else 1
    whole, _, rest = text.removeprefix("人民币").removeprefix("负").rpartition("元")
    jiao, fen = (re.search(f"(.){unit}", rest) for unit in "角分")
    yuan = 0
    for group in GROUPS.fullmatch(whole).groups():
        yuan = yuan * 10_000 + group_of_four(group or "")
    parts = ((jiao, 10), (fen, 1))
    return sign * (yuan * 100 + sum(DIGITS[found[1]] * worth for found, worth in parts if found))


def group_of_four(text):
    return sum(
        DIGITS[digit] * PLACES.get(place, 1)
        for digit, place in re.findall("([^零拾佰仟])(.?)", text)
    )


@given(st.integers(min_value=-(10**14) + 1, max_value=10**14 - 1))
def test_every_amount_reads_back_as_itself(amount_fen):
    text = capital_amount(amount_fen)
    assert value_fen(text) == amount_fen
    assert "零零" not in text


@given(st.integers(min_value=1, max_value=10**12), st.integers(min_value=1, max_value=10**12))
def test_two_amounts_never_read_the_same(one, other):
    assert (capital_amount(one) == capital_amount(other)) == (one == other)
