"""The demo's customers: made up, plausible, the same every time."""

from __future__ import annotations

import random
from datetime import datetime

from service.domain.months import Month
from service.domain.new_accounts import NewAccount, NewMeter
from service.domain.tou import Period

ASSET_PREFIX = "DEMO"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林罗高"
_GIVEN = "天山昆仑明月清泉晓晨建国志强秀英丽娜海燕文博雪莲永和平安"
_STREETS = ("示例路", "样板街", "演示大道", "模型巷", "测试里")  # No real places.
_TRADES = ("便利店", "面馆", "五金店", "茶行", "洗衣店", "书店", "汽修厂", "粮油店")
_DISTRICTS = {1: "天山区", 2: "昆仑区"}
# Of a hundred customers 92 are homes, one or two more are homes that periods of the day are priced
# for, the others shops.
_RESIDENTIAL_SHARE, _HOMES_SHARE = 0.92, 0.935
# One meter in so many stands shortly before its last digit, so that the demo has roll-overs.
_METERS_PER_ROLL_OVER = 250
_DIGITS = 6
_RANGE = 10**_DIGITS


def asset_no(bureau_id: int, index: int) -> str:
    """Return the asset number of a customer's meter, by which the demo knows its customers."""
    return f"{ASSET_PREFIX}-{bureau_id}-{index:07}"


def customer(*, bureau_id: int, index: int, first_month: Month) -> NewAccount:
    """Return the `index`-th customer of a bureau, supplied from the beginning of `first_month`."""
    chance = random.Random(f"customer {bureau_id} {index}")  # noqa: S311  made up, not secret
    share = chance.random()
    is_home, has_periods = share < _HOMES_SHARE, _RESIDENTIAL_SHARE <= share < _HOMES_SHARE
    person = chance.choice(_SURNAMES) + "".join(chance.sample(_GIVEN, chance.choice((1, 2))))
    is_about_to_roll_over = index % _METERS_PER_ROLL_OVER == _METERS_PER_ROLL_OVER - 1
    register = _RANGE - 1 if is_about_to_roll_over else chance.randrange(_RANGE // 2)
    return NewAccount(
        account_no=None,
        name=person if is_home else person[0] + "记" + chance.choice(_TRADES),
        # No mobile network numbers its customers from 122 on, so nobody is called by mistake.
        phone=f"122{chance.randrange(10**8):08}",
        address=_address(chance, bureau_id),
        category=_category(is_home=is_home, has_periods=has_periods),
        opened_on=first_month.first_day,
        bureau=bureau_id,
        meter=NewMeter(
            asset_no=asset_no(bureau_id, index),
            digits=_DIGITS,
            decimals=2,
            multiplier="1" if is_home else chance.choice(("1", "20", "40")),
            installed_at=first_month.starts_at,
            initial_register=f"{register}.{chance.randrange(100):02}",
            periods={"peak": "0", "valley": "0"} if has_periods else {},
        ),
    )


def _category(*, is_home: bool, has_periods: bool) -> str:
    if has_periods:
        return "residential_tou"
    return "residential" if is_home else "commercial"


def advance_hundredths(*, asset: str, read_at: datetime) -> int:
    """Return how far a meter's register moves in the month of a reading, in hundredths."""
    month = Month.at(read_at)
    chance = random.Random(f"advance {asset} {month}")  # noqa: S311  made up, not secret
    # Most homes stay in the first tier, some reach the third (170 and 260 kWh a month).
    return round(chance.lognormvariate(5.0, 0.45) * 100)


def by_period(asset: str, hundredths: int) -> dict[Period, int]:
    """Return what of it a meter counts while it is peak, and while it is valley."""
    chance = random.Random(f"periods {asset}")  # noqa: S311  made up, not secret
    peak = hundredths * chance.randint(50, 70) // 100
    return {"peak": peak, "valley": hundredths - peak}


def _address(chance: random.Random, bureau_id: int) -> str:
    street = chance.choice(_STREETS)
    house, block, unit = chance.randint(1, 300), chance.randint(1, 20), chance.randint(1, 4)
    room = chance.randint(1, 18) * 100 + chance.randint(1, 4)
    return f"{_DISTRICTS[bureau_id]}{street}{house}号{block}栋{unit}单元{room}室"
