"""What a new account must satisfy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from service.domain.account_numbers import AccountNumberMalformed
from service.domain.bureaus import BureauUnknown
from service.domain.meters import RegisterMalformed, RegisterTooLong
from service.domain.new_accounts import (
    AssetNumberMalformed,
    CategoryUnknown,
    DateImplausible,
    MultiplierMalformed,
    NewAccount,
    NewMeter,
    PhoneMalformed,
    RegisterImpossible,
    Terms,
    TextRefused,
    judge,
)

# Ten to midnight in Greenwich; in Beijing the next day has begun.
NOW = datetime(2026, 3, 31, 23, 50, tzinfo=UTC)
TERMS = Terms(bureaus={1}, now=NOW)
METER = NewMeter(
    asset_no="M-0001",
    digits=6,
    decimals=2,
    multiplier="40",
    installed_at=NOW,
    initial_register="0",
)
ACCOUNT = NewAccount(
    account_no="1000000005",
    name="王小明",
    phone="13999990001",
    address="人民路 1 号　1-101",
    category="residential",
    opened_on=date(2026, 1, 1),
    bureau=1,
    meter=METER,
)


def with_meter(**changed) -> NewAccount:
    return replace(ACCOUNT, meter=replace(METER, **changed))


@pytest.mark.parametrize(
    "account",
    [
        ACCOUNT,
        replace(ACCOUNT, account_no=None),
        replace(ACCOUNT, category="commercial", phone="+86 (991) 123-4567"),
        replace(ACCOUNT, opened_on=date(2026, 4, 1)),  # today, in Beijing
        replace(ACCOUNT, opened_on=date(1950, 1, 1)),
        replace(ACCOUNT, name="阿" * 200),
        with_meter(digits=12, decimals=4, initial_register="999999999999.9999"),
        with_meter(digits=1, decimals=0, initial_register="9"),
        with_meter(multiplier="0.0001"),
    ],
)
def test_an_account_within_every_bound_may_begin(account):
    judge(account, TERMS)


@pytest.mark.parametrize(
    ("account", "refusal"),
    [
        (replace(ACCOUNT, account_no="1000000006"), AccountNumberMalformed),
        (replace(ACCOUNT, account_no=""), AccountNumberMalformed),
        (replace(ACCOUNT, bureau=2), BureauUnknown),
        (replace(ACCOUNT, name=""), TextRefused),
        (replace(ACCOUNT, name=" \u3000"), TextRefused),
        (replace(ACCOUNT, name="阿" * 201), TextRefused),
        (replace(ACCOUNT, name="a\x00b"), TextRefused),
        (replace(ACCOUNT, address="first\nsecond"), TextRefused),
        (replace(ACCOUNT, address="left\u202eright"), TextRefused),
        (replace(ACCOUNT, phone=""), PhoneMalformed),
        (replace(ACCOUNT, phone="call me"), PhoneMalformed),
        (replace(ACCOUNT, phone="1" * 21), PhoneMalformed),
        (replace(ACCOUNT, category="theatre"), CategoryUnknown),
        (replace(ACCOUNT, opened_on=date(2026, 4, 2)), DateImplausible),
        (replace(ACCOUNT, opened_on=date(1949, 12, 31)), DateImplausible),
        (with_meter(installed_at=NOW + timedelta(seconds=1)), DateImplausible),
        (with_meter(installed_at=datetime(1, 1, 1, tzinfo=UTC)), DateImplausible),
        (with_meter(asset_no=""), AssetNumberMalformed),
        (with_meter(asset_no="表 1"), AssetNumberMalformed),
        (with_meter(asset_no="M" * 41), AssetNumberMalformed),
        (with_meter(digits=0), RegisterImpossible),
        (with_meter(digits=13), RegisterImpossible),
        (with_meter(decimals=-1), RegisterImpossible),
        (with_meter(decimals=5), RegisterImpossible),
        (with_meter(initial_register="1000000"), RegisterTooLong),
        (with_meter(initial_register="-1"), RegisterMalformed),
        (with_meter(multiplier="0.0000"), MultiplierMalformed),
        (with_meter(multiplier="-1"), MultiplierMalformed),
        (with_meter(multiplier="0.00001"), MultiplierMalformed),
        (with_meter(multiplier="1e3"), MultiplierMalformed),
        (with_meter(multiplier="10000000000"), MultiplierMalformed),
    ],
)
def test_an_account_outside_a_bound_is_refused_by_its_rule(account, refusal):
    with pytest.raises(refusal):
        judge(account, TERMS)
