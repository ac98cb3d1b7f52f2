"""Account numbers: what the check digit promises (ISO 7064, hybrid system MOD 11,10)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.account_numbers import (
    AccountNumberMalformed,
    _state_after,
    account_no,
    checked,
    has_check_digit,
)

NUMBERS = st.integers(min_value=0, max_value=999_999_999)
PLACES = st.integers(min_value=0, max_value=9)


def with_digit(text: str, place: int, digit: str) -> str:
    return text[:place] + digit + text[place + 1 :]


def with_swap(text: str, place: int) -> str:
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def test_the_example_of_the_standard_has_its_check_digit():
    """ISO 7064: the check character of 0794 is 5."""
    assert (1 - _state_after("0794")) % 10 == 5


@pytest.mark.parametrize(
    ("number", "expected"),
    [(100_000_000, "1000000005"), (0, "0000000006"), (999_999_999, "9999999991")],
)
def test_the_first_and_the_last_numbers_have_their_check_digit(number, expected):
    assert account_no(number) == expected


@given(NUMBERS)
def test_a_number_as_given_out_is_accepted(number):
    assert checked(account_no(number)) == account_no(number)


@given(NUMBERS, PLACES, st.integers(min_value=1, max_value=9))
def test_any_single_wrong_digit_is_caught(number, place, change):
    right = account_no(number)
    wrong = with_digit(right, place, str((int(right[place]) + change) % 10))

    assert not has_check_digit(wrong)


@given(NUMBERS, st.integers(min_value=0, max_value=8))
def test_swapped_neighbours_are_caught_unless_they_follow_each_other(number, place):
    right = account_no(number)
    apart = (int(right[place]) - int(right[place + 1])) % 10

    assert has_check_digit(with_swap(right, place)) is False or apart in {0, 1, 9}


def test_nine_in_ten_swaps_of_digits_that_follow_each_other_are_caught():
    swaps = [
        (right, with_swap(right, place))
        for right in map(account_no, range(100_000_000, 100_020_000))
        for place in range(9)
        if (int(right[place]) - int(right[place + 1])) % 10 in {1, 9}
    ]
    missed = sum(has_check_digit(wrong) for _, wrong in swaps)

    assert missed / len(swaps) == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100000000",
        "10000000055",
        "100000000x",
        "1000000005\n",
        " 1000000005",
        "１０００００００05",
    ],
)
def test_what_is_not_ten_plain_digits_is_refused(text):
    with pytest.raises(AccountNumberMalformed):
        checked(text)
