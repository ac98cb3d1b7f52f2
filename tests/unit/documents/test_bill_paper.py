"""What a customer reads on a bill: the same numbers as everybody else, in Chinese."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from service.documents.bill_paper import paper_of
from service.domain.accounts import Account, Meter
from service.domain.bill_details import (
    BillDetails,
    BillLine,
    PeriodOfBill,
    RegisterOfBill,
    RemovedMeter,
    TwoPartOfBill,
)
from service.domain.statements import Balance

LAW = "发改价格〔2026〕1号"
LINE = BillLine(
    component="energy",
    period=None,
    tier=2,
    quantity="90",
    unit="kWh",
    price_yuan="0.61",
    amount_fen=5490,
    is_levy=False,
    legal_document=LAW,
    why="tier 2, kWh 171 to 260 of the bill: 90 kWh × 0.61 yuan = 54.90 yuan",
)
BILL = BillDetails(
    bill_no="202603100000000501",
    account_no="1000000005",
    month="2026-03",
    consumption_kwh=12_345,
    amount_fen=15_010,
    open_fen=10,
    issued_at=datetime(2026, 4, 1, 16, 30, tzinfo=UTC),  # half past midnight in business time
    due_on=date(2026, 4, 20),
    asset_no="E-1",
    previous_read_at=datetime(2026, 2, 28, 12, tzinfo=UTC),
    previous_register=Decimal("310.00"),
    read_at=datetime(2026, 3, 31, 12, tzinfo=UTC),
    register=Decimal("570.50"),
    multiplier=Decimal(1),
    removed_meters=(),
    periods=(),
    registers=(),
    two_part=None,
    legal_document=LAW,
    cancels_bill_no=None,
    cancelled_by_bill_no=None,
    energy_correction_no=None,
    corrects_bill_no=None,
    corrected_by_bill_nos=(),
    is_estimated=False,
    settles_estimate=False,
    lines=(LINE,),
)
ACCOUNT = Account(
    account_no="1000000005",
    bureau=1,
    name="李明月",
    phone="12200000000",
    address="昆仑区示例路1号",
    category="residential",
    opened_on=date(2026, 1, 1),
    balance=Balance(receivable_fen=10, prepayment_fen=0),
    meter=Meter(
        asset_no="E-2",  # hung since
        digits=6,
        decimals=2,
        multiplier="1",
        installed_at=datetime(2026, 1, 1, tzinfo=UTC),
        initial_register="0",
        last_read_at=datetime(2026, 3, 31, tzinfo=UTC),
        last_register="570.5",
    ),
    closed_at=None,
)


def paper(*lines, **changed):
    return paper_of(replace(BILL, lines=lines or BILL.lines, **changed), ACCOUNT, bureau="天山")


def test_days_are_the_utility_s_and_amounts_have_two_decimals():
    printed = paper()
    assert (printed.month, printed.issued_on) == ("2026年3月", "2026年4月2日")
    assert (printed.amount, printed.open) == ("150.10", "0.10")
    assert printed.capital == "人民币壹佰伍拾元壹角整"
    assert printed.consumption_kwh == "12,345"
    assert (printed.previous_register, printed.register) == ("310", "570.5")


def test_a_line_says_how_its_amount_came_about():
    [line] = paper().lines
    assert (line.name, line.step, line.quantity, line.unit) == ("电度电费", "第2档", "90", "千瓦时")
    assert line.why == "90 千瓦时 × 0.61 = 54.90 元（四舍五入到分）"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"tier": None, "period": "deep_valley"}, ("电度电费", "深谷", "90", "千瓦时")),
        ({"tier": None}, ("电度电费", "", "90", "千瓦时")),
        (
            {"tier": None, "category": "residential_collective"},
            ("电度电费（居民生活用电（合表））", "", "90", "千瓦时"),
        ),
        ({"component": "of a new law"}, ("of a new law", "第2档", "90", "千瓦时")),
        ({"unit": "fen", "quantity": "123456", "tier": None}, ("电度电费", "", "1,234.56", "元")),
        ({"unit": "kVA", "quantity": "315.5", "tier": None}, ("电度电费", "", "315.5", "千伏安")),
    ],
)
def test_each_kind_of_line_has_its_words(changed, expected):
    [line] = paper(replace(LINE, **changed)).lines
    assert (line.name, line.step, line.quantity, line.unit) == expected


def test_a_mirror_is_called_one_and_below_zero():
    printed = paper(amount_fen=-15_010, cancels_bill_no="202603100000000500")
    assert printed.title == "电费账单（冲销）"
    assert (printed.amount, printed.capital) == ("-150.10", "人民币负壹佰伍拾元壹角整")
    assert "202603100000000500" in printed.notes[0]


@pytest.mark.parametrize(("kwh", "words"), [(50, "补收电量"), (-50, "退还电量")])
def test_a_correction_says_of_which_bill_it_is_which_way_and_no_registers(kwh, words):
    printed = paper(
        consumption_kwh=kwh, corrects_bill_no="202603100000000501", energy_correction_no=118
    )
    assert printed.title == "电费账单（退补）"
    [note] = printed.notes
    assert "第 202603100000000501 号账单" in note
    assert "退补单 118" in note
    assert words in note
    assert (printed.previous_register, printed.register, printed.multiplier) == ("—", "—", "—")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"cancelled_by_bill_no": "202603100000000502"}, "请勿再缴"),
        (
            {"corrected_by_bill_nos": ("202603100000000502",)},
            "另由第 202603100000000502 号账单退补",
        ),
        ({"is_estimated": True}, "估抄（E）"),
        ({"settles_estimate": True}, "已按实抄清算"),
    ],
)
def test_what_a_customer_must_know_is_said(changed, words):
    [note] = paper(**changed).notes
    assert words in note
    assert paper().notes == ()


def test_a_bill_that_settles_its_year_says_so():
    line = replace(LINE, quantity="-90")
    [note] = paper(line).notes
    assert "清算阶梯电量" in note
    for other in ("cancels_bill_no", "corrects_bill_no"):
        notes = paper(line, **{other: "202603100000000501"}).notes
        assert not any("清算阶梯电量" in each for each in notes)


def test_every_price_document_is_named_once():
    other = replace(LINE, legal_document="新电价〔2026〕2号")
    assert paper(LINE, other, LINE).documents == (LAW, "新电价〔2026〕2号")
    assert paper_of(replace(BILL, lines=()), ACCOUNT, bureau="天山").documents == (LAW,)


def test_a_bill_says_what_the_registers_of_periods_showed():
    peak = PeriodOfBill(
        asset_no="E-1",
        period="peak",
        previous_register=Decimal("3800.40"),
        register=Decimal("3871.95"),
        consumption_kwh=4_293,
    )
    assert paper(periods=(peak,)).notes == (
        "分时计量（峰）：表 E-1 自 3800.4 至 3871.95，计 4,293 千瓦时。",
    )


def test_a_bill_names_its_own_meter_and_what_one_that_was_removed_had_measured():
    removed = RemovedMeter(
        asset_no="E-0",
        removed_at=datetime(2026, 3, 12, tzinfo=UTC),
        start_register=Decimal("1234.50"),
        final_register=Decimal("1398.00"),
        multiplier=Decimal(30),
        consumption_kwh=4_905,
    )
    printed = paper(removed_meters=(removed,))
    assert printed.asset_no == "E-1"
    assert printed.notes == (
        "本期换表：旧表 E-0 自 1234.5 至 1398，倍率 30，计 4,905 千瓦时，已含在本账单电量内。",
    )


def test_what_a_bill_of_two_parts_rests_on_is_printed():
    basic = replace(
        LINE, component="basic", tier=None, quantity="630", unit="kVA", price_yuan="26",
        amount_fen=9_828_00, days=18,
    )  # fmt: skip
    adjustment = replace(
        LINE, component="power_factor_adjustment", tier=None, quantity="4645889", unit="fen",
        price_yuan="1.5", amount_fen=696_88,
    )  # fmt: skip
    demand = RegisterOfBill(
        asset_no="E-1", counted="demand", previous_register=Decimal(9),
        register=Decimal("9.6667"), quantity="580.00", unit="kW",
    )  # fmt: skip
    reactive = replace(
        demand, counted="reactive", previous_register=Decimal(500), register=Decimal(630),
        quantity="7800", unit="kvarh",
    )  # fmt: skip
    found = TwoPartOfBill(lost_kwh=866, reactive_kvarh=15_914, power_factor="0.87")
    printed = paper(basic, adjustment, registers=(demand, reactive), two_part=found)
    assert [line.why for line in printed.lines] == [
        "630 千伏安 × 26 × 18/30 = 9,828.00 元（四舍五入到分）",
        "46,458.89 元 × 1.5% = 696.88 元（四舍五入到分）",
    ]
    assert printed.notes == (
        "最大需量：表 E-1 示数 9.6667，计 580.00 千瓦。",
        "正向无功：表 E-1 自 500 至 630，计 7,800 千乏时。",
        "变压器及线路损耗 866 千瓦时，已含在本账单电量内。",
        "功率因数 0.87（无功 15,914 千乏时）。",
    )
