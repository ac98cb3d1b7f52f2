"""What a person must look at before a reading is billed."""

from __future__ import annotations

import pytest

from service.domain.reading_checks import ReadingInQuestion, Use, check_reading

BEFORE = Use(900, 90)  # ten a day


def codes(use, before=BEFORE, accepted=()):
    try:
        check_reading(use, before=before, accepted=accepted)
    except ReadingInQuestion as question:
        return [finding.code for finding in question.findings]
    return []


@pytest.mark.parametrize(
    ("kwh", "days", "expected"),
    [
        (300, 30, []),
        (900, 30, []),  # three times as much: not more
        (901, 30, ["CONSUMPTION_HIGH"]),
        (1_800, 60, []),  # two months
        (100, 30, []),  # a third: not less
        (99, 30, ["CONSUMPTION_LOW"]),
        (1, 30, ["CONSUMPTION_LOW"]),
        (0, 30, ["CONSUMPTION_ZERO"]),
    ],
)
def test_energy_is_compared_by_the_day(kwh, days, expected):
    assert codes(Use(kwh, days)) == expected


@pytest.mark.parametrize(
    ("kwh", "before_kwh", "expected"),
    [
        (166, 50, []),  # 50 in ninety days: a garage; less than five a day more
        (167, 50, ["CONSUMPTION_HIGH"]),
        (0, 89, []),  # less than one a day
        (0, 90, ["CONSUMPTION_ZERO"]),
        (200, 0, ["CONSUMPTION_HIGH"]),  # nobody lived there
    ],
)
def test_little_energy_may_vary(kwh, before_kwh, expected):
    assert codes(Use(kwh, 30), Use(before_kwh, 90)) == expected


def test_without_anything_to_compare_with_a_reading_is_believed():
    assert codes(Use(10**6, 30), None) == []
    assert codes(Use(10**6, 30), Use(0, 0)) == []


def test_what_was_accepted_is_no_question_for_that_energy_alone():
    accepted = {("CONSUMPTION_HIGH", 1_000)}
    assert codes(Use(1_000, 30), accepted=accepted) == []
    assert codes(Use(1_001, 30), accepted=accepted) == ["CONSUMPTION_HIGH"]


def test_the_question_shows_what_was_compared():
    told = "CONSUMPTION_HIGH: 901 kWh in 30 days, 900 kWh in 90 days before"
    with pytest.raises(ReadingInQuestion, match=told) as caught:
        check_reading(Use(901, 30), before=BEFORE)
    assert caught.value.kwh == 901
