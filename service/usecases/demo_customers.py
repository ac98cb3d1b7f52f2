"""The demo's customers: made up, plausible, the same every time."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import datetime

from service.domain.months import Month
from service.domain.new_accounts import HOMES, NewAccount, NewMeter
from service.domain.registers import Counted

ASSET_PREFIX = "DEMO"
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林罗高"
_GIVEN = "天山昆仑明月清泉晓晨建国志强秀英丽娜海燕文博雪莲永和平安"
_STREETS = ("示例路", "样板街", "演示大道", "模型巷", "测试里")  # No real places.
_TRADES = ("便利店", "面馆", "五金店", "茶行", "洗衣店", "书店", "汽修厂", "粮油店")
_DISTRICTS = {1: "天山区", 2: "昆仑区"}
# Of two hundred customers 184 are homes, three more are homes that periods of the day are priced
# for, one is a factory, the others are shops.
_RESIDENTIAL_SHARE, _HOMES_SHARE, _LOW_VOLTAGE_SHARE = 0.92, 0.935, 0.995
# What meters have beside the register of all energy.
_REGISTERS: dict[str, tuple[Counted, ...]] = {
    "residential_tou": ("peak", "valley"),
    "industrial": ("sharp", "peak", "valley", "reactive", "demand"),
}
# A factory runs at two thirds of its highest demand, around the clock, thirty days a month.
_HOURS_AT_DEMAND = 480
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
    category = _category(share)
    is_home = category in HOMES
    person = chance.choice(_SURNAMES) + "".join(chance.sample(_GIVEN, chance.choice((1, 2))))
    is_about_to_roll_over = index % _METERS_PER_ROLL_OVER == _METERS_PER_ROLL_OVER - 1
    register = _RANGE - 1 if is_about_to_roll_over else chance.randrange(_RANGE // 2)
    return NewAccount(
        account_no=None,
        name=person if is_home else person[0] + "记" + chance.choice(_TRADES),
        # No mobile network numbers its customers from 122 on, so nobody is called by mistake.
        phone=f"122{chance.randrange(10**8):08}",
        address=_address(chance, bureau_id),
        category=category,
        opened_on=first_month.first_day,
        bureau=bureau_id,
        meter=NewMeter(
            asset_no=asset_no(bureau_id, index),
            digits=_DIGITS,
            decimals=2,
            multiplier=_multiplier(chance, category),
            installed_at=first_month.starts_at,
            initial_register=f"{register}.{chance.randrange(100):02}",
            periods=dict.fromkeys(_REGISTERS.get(category, ()), "0"),
        ),
    )


def _category(share: float) -> str:
    if share < _RESIDENTIAL_SHARE:
        return "residential"
    if share < _HOMES_SHARE:
        return "residential_tou"
    return "commercial" if share < _LOW_VOLTAGE_SHARE else "industrial"


def _multiplier(chance: random.Random, category: str) -> str:
    if category in HOMES:
        return "1"
    return "600" if category == "industrial" else chance.choice(("1", "20", "40"))


def advance_hundredths(*, asset: str, read_at: datetime) -> int:
    """Return how far a meter's register moves in the month of a reading, in hundredths."""
    month = Month.at(read_at)
    chance = random.Random(f"advance {asset} {month}")  # noqa: S311  made up, not secret
    # Most homes stay in the first tier, some reach the third (170 and 260 kWh a month).
    return round(chance.lognormvariate(5.0, 0.45) * 100)


def of_registers(asset: str, hundredths: int, counted: Collection[Counted]) -> dict[Counted, int]:
    """Return how far the other registers of a meter move with it, in hundredths."""
    chance = random.Random(f"periods {asset}")  # noqa: S311  made up, not secret
    peak = hundredths * chance.randint(50, 70) // 100
    if "demand" not in counted:
        return {"peak": peak, "valley": hundredths - peak}
    sharp, valley = hundredths // 10, hundredths - peak - hundredths // 5  # the rest is flat
    return {
        "sharp": sharp,
        "peak": peak,
        "valley": valley,
        "reactive": hundredths * chance.randint(30, 60) // 100,
        "demand": hundredths // _HOURS_AT_DEMAND,
    }


def _address(chance: random.Random, bureau_id: int) -> str:
    street = chance.choice(_STREETS)
    house, block, unit = chance.randint(1, 300), chance.randint(1, 20), chance.randint(1, 4)
    room = chance.randint(1, 18) * 100 + chance.randint(1, 4)
    return f"{_DISTRICTS[bureau_id]}{street}{house}号{block}栋{unit}单元{room}室"
