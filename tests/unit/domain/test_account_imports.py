"""What becomes of each line of an import."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from service.domain.account_imports import (
    LINES_MAX,
    AccountNumberTaken,
    AssetTaken,
    ImportLengthRefused,
    ImportLine,
    LineMalformed,
    Taken,
    check_length,
    report,
    sort_out,
)
from service.domain.new_accounts import CategoryUnknown, NewAccount, NewMeter, Terms

NOW = datetime(2026, 4, 1, tzinfo=UTC)
TERMS = Terms(bureaus={1}, now=NOW)
METER = NewMeter(
    asset_no="M1",
    digits=6,
    decimals=2,
    multiplier="1",
    installed_at=NOW,
    initial_register="0",
)
FIRST = NewAccount(
    account_no="1000000005",
    name="王小明",
    phone="130",
    address="人民路 1 号",
    category="residential",
    opened_on=date(2026, 1, 1),
    bureau=1,
    meter=METER,
)
SAME_NUMBER = replace(FIRST, meter=replace(METER, asset_no="M2"))
SAME_METER = replace(FIRST, account_no="1000000013")
UNNUMBERED = replace(SAME_NUMBER, account_no=None)


def sorted_out(*contents, taken=None):
    """Return what each line comes to: the account's name, or the kind of its refusal."""
    lines = [ImportLine(line, content) for line, content in enumerate(contents, start=1)]
    accounts, refusals = sort_out(lines, terms=TERMS, taken=taken or Taken())
    assert accounts.keys() | refusals.keys() == {line.line for line in lines}
    assert not accounts.keys() & refusals.keys()
    return [
        accounts[line.line] if line.line in accounts else type(refusals[line.line])
        for line in lines
    ]


def test_a_number_that_stands_in_the_file_twice_is_refused_the_second_time():
    assert sorted_out(FIRST, SAME_NUMBER) == [FIRST, AccountNumberTaken]


def test_a_meter_that_stands_in_the_file_twice_is_refused_the_second_time():
    assert sorted_out(FIRST, SAME_METER) == [FIRST, AssetTaken]


def test_the_second_is_refused_even_if_the_first_was():
    faulty = replace(FIRST, category="theatre")

    assert sorted_out(faulty, FIRST) == [CategoryUnknown, AccountNumberTaken]


def test_a_refused_repetition_still_claims_its_meter():
    third = replace(UNNUMBERED, name="李四")

    assert sorted_out(FIRST, SAME_NUMBER, third) == [FIRST, AccountNumberTaken, AssetTaken]


def test_lines_without_a_number_do_not_repeat_each_other():
    other = replace(UNNUMBERED, meter=replace(METER, asset_no="M3"))

    assert sorted_out(UNNUMBERED, other) == [UNNUMBERED, other]


def test_an_account_number_never_clashes_with_an_asset_number():
    meter_like_a_number = replace(UNNUMBERED, meter=replace(METER, asset_no="1000000005"))

    assert sorted_out(FIRST, meter_like_a_number) == [FIRST, meter_like_a_number]


def test_what_others_have_taken_is_refused():
    taken = Taken(frozenset({"1000000005"})) | Taken(asset_nos=frozenset({"M2"}))

    assert sorted_out(FIRST, UNNUMBERED, taken=taken) == [AccountNumberTaken, AssetTaken]


def test_a_line_that_was_no_account_stays_refused():
    assert sorted_out(LineMalformed("broken JSON"), FIRST) == [LineMalformed, FIRST]


def test_the_report_tells_of_every_line_in_its_order():
    lines = [ImportLine(2, LineMalformed("broken JSON")), ImportLine(5, FIRST)]

    told = report(lines, account_nos={5: "1000000005"}, refusals={2: lines[0].content})

    assert (told.accepted, told.refused) == (1, 1)
    assert [(result.line, result.status) for result in told.results] == [
        (2, "refused"),
        (5, "accepted"),
    ]
    assert (told.results[0].code, told.results[0].detail) == ("LINE_MALFORMED", "broken JSON")


@pytest.mark.parametrize("lines", [0, LINES_MAX + 1])
def test_an_import_outside_its_length_is_refused(lines):
    with pytest.raises(ImportLengthRefused):
        check_length([ImportLine(1, FIRST)] * lines)


@pytest.mark.parametrize("lines", [1, LINES_MAX])
def test_an_import_within_its_length_passes(lines):
    check_length([ImportLine(1, FIRST)] * lines)
