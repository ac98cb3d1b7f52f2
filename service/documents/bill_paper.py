"""A bill as a customer reads it: every word, every number of it, ready to be typeset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from service.domain.accounts import Account
from service.domain.bill_details import BillDetails, BillLine
from service.domain.capital_amounts import capital_amount
from service.domain.meters import shown
from service.domain.months import Month, business_date
from service.domain.registers import grows

_FEN_PER_YUAN = 100
_CATEGORIES = {
    "residential": "居民生活用电",
    "residential_tou": "居民生活用电（峰谷）",
    "residential_collective": "居民生活用电（合表）",
    "commercial": "一般工商业用电",
    "industrial": "大工业用电",
    "agricultural": "农业生产用电",
}
# What a component is called; one that a price document has named by itself keeps its name.
_COMPONENTS = {
    "energy": "电度电费",
    "basic": "基本电费",
    "power_factor_adjustment": "力调电费",
    "subsidy": "免费电量",
    "tier_increment": "阶梯加价",
    "loss": "线损电费",
    "transmission": "输配电费",
    "system_operation": "系统运行费",
    "rural_grid_loan": "农网还贷资金",
    "water_conservancy_fund": "重大水利工程建设基金",
    "renewable_energy_surcharge": "可再生能源电价附加",
    "reservoir_resettlement": "大中型水库移民后期扶持资金",
    "local_reservoir_resettlement": "地方水库移民后期扶持资金",
}
_PERIODS = {"sharp": "尖", "peak": "峰", "flat": "平", "valley": "谷", "deep_valley": "深谷"}
_UNITS = {
    "kWh": "千瓦时",
    "kvarh": "千乏时",
    "kVA": "千伏安",
    "kW": "千瓦",
    "month": "月",
    "fen": "元",
}
_COUNTED = {"reactive": "正向无功", "reactive_reverse": "反向无功", "demand": "最大需量"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLine:
    """A line of the table; `why` is the sum behind it."""

    name: str
    step: str
    quantity: str
    unit: str
    price: str
    amount: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPaper:
    """A bill in Chinese; amounts are yuan with two decimals, days are the utility's."""

    title: str
    bureau: str
    bill_no: str
    month: str
    account_no: str
    name: str
    address: str
    category: str
    asset_no: str
    previous_day: str
    previous_register: str
    day: str
    register: str
    multiplier: str
    consumption_kwh: str
    lines: tuple[PaperLine, ...]
    amount: str
    capital: str
    open: str
    issued_on: str
    due_on: str
    documents: tuple[str, ...]
    notes: tuple[str, ...]


def paper_of(bill: BillDetails, account: Account, *, bureau: str) -> BillPaper:
    """Return what is printed of a bill of `account`, on behalf of the bureau of that name."""
    month = Month.parse(bill.month)
    return BillPaper(
        title=_title(bill),
        bureau=bureau,
        bill_no=bill.bill_no,
        month=f"{month.year}年{month.number}月",
        account_no=account.account_no,
        name=account.name,
        address=account.address,
        category=_CATEGORIES.get(account.category, account.category),
        asset_no=bill.asset_no,
        previous_day=_moment(bill.previous_read_at),
        previous_register=_unless_corrected(bill, bill.previous_register),
        day=_moment(bill.read_at),
        register=_unless_corrected(bill, bill.register),
        multiplier=_unless_corrected(bill, bill.multiplier),
        consumption_kwh=f"{bill.consumption_kwh:,}",
        lines=tuple(map(_line, bill.lines)),
        amount=_yuan(bill.amount_fen),
        capital=capital_amount(bill.amount_fen),
        open=_yuan(bill.open_fen),
        issued_on=_moment(bill.issued_at),
        due_on=_day(bill.due_on),
        documents=tuple(dict.fromkeys(line.legal_document for line in bill.lines))
        or (bill.legal_document,),
        notes=tuple(_notes(bill)),
    )


def _title(bill: BillDetails) -> str:
    if bill.cancels_bill_no:
        return "电费账单（冲销）"
    return "电费账单（退补）" if bill.corrects_bill_no else "电费账单"


def _unless_corrected(bill: BillDetails, number: Decimal) -> str:
    """Return a number of the meter's; a correction's energy is not what it showed."""
    return "—" if bill.corrects_bill_no else shown(number)


def _line(line: BillLine) -> PaperLine:
    quantity = _yuan(int(line.quantity)) if line.unit == "fen" else f"{Decimal(line.quantity):,f}"
    price, amount = line.price_yuan, _yuan(line.amount_fen)
    unit = _UNITS[line.unit]
    name = _COMPONENTS.get(line.component, line.component)
    return PaperLine(
        name=f"{name}（{_CATEGORIES.get(line.category, line.category)}）"
        if line.category
        else name,
        step=_PERIODS.get(line.period or "", "") or (f"第{line.tier}档" if line.tier else ""),
        quantity=quantity,
        unit=unit,
        price=price,
        amount=amount,
        why=f"{quantity} {unit} × {price}{_share(line)} = {amount} 元（四舍五入到分）",
    )


def _share(line: BillLine) -> str:
    """Return what a price is of: percent of a base, days of a month of 30."""
    if line.unit == "fen":
        return "%"
    return "" if line.days is None else f" × {line.days}/30"


def _notes(bill: BillDetails) -> Iterator[str]:
    yield from _notes_of_others(bill)
    for meter in bill.removed_meters:
        yield (
            f"本期换表：旧表 {meter.asset_no} 自 {shown(meter.start_register)} 至 "
            f"{shown(meter.final_register)}，倍率 {shown(meter.multiplier)}，"
            f"计 {meter.consumption_kwh:,} 千瓦时，已含在本账单电量内。"
        )
    for each in bill.periods:
        yield (
            f"分时计量（{_PERIODS[each.period]}）：表 {each.asset_no} 自 "
            f"{shown(each.previous_register)} 至 {shown(each.register)}，"
            f"计 {each.consumption_kwh:,} 千瓦时。"
        )
    yield from _two_part_notes(bill)
    if bill.is_estimated:
        yield "本月止码为估抄（E），下次实抄后多退少补。"
    if bill.settles_estimate:
        yield "上次止码为估抄（E），本账单已按实抄清算。"
    if _is_settling(bill):
        yield "本账单按全年用电量清算阶梯电量，多退少补，部分阶梯电量为负数。"


def _is_settling(bill: BillDetails) -> bool:
    """Test if a bill settles tiers of its year: some are below zero, as of a mirror all are."""
    is_own = not (bill.cancels_bill_no or bill.corrects_bill_no)
    return is_own and any(line.tier and Decimal(line.quantity) < 0 for line in bill.lines)


def _notes_of_others(bill: BillDetails) -> Iterator[str]:
    """Yield which other bills belong to this one, or it to them."""
    if bill.cancels_bill_no:
        yield f"本账单冲销第 {bill.cancels_bill_no} 号账单，电量、金额均为负数。"
    if bill.corrects_bill_no:
        way = "补收" if bill.consumption_kwh > 0 else "退还"
        yield (
            f"本账单为第 {bill.corrects_bill_no} 号账单的电量退补（退补单 "
            f"{bill.energy_correction_no}）：{way}电量，按该账单所属日期的电价计算。"
        )
    for number in bill.corrected_by_bill_nos:
        yield f"本账单电量另由第 {number} 号账单退补。"
    if bill.cancelled_by_bill_no:
        yield f"本账单已由第 {bill.cancelled_by_bill_no} 号账单冲销，请勿再缴。"


def _two_part_notes(bill: BillDetails) -> Iterator[str]:
    for register in bill.registers:
        # A demand begins anew at each reading: where it began says nothing.
        began = shown(register.previous_register)
        since = f"自 {began} 至 " if grows(register.counted) else "示数 "
        yield (
            f"{_COUNTED[register.counted]}：表 {register.asset_no} {since}"
            f"{shown(register.register)}，"
            f"计 {Decimal(register.quantity):,f} {_UNITS[register.unit]}。"
        )
    found = bill.two_part
    if found and found.lost_kwh:
        yield f"变压器及线路损耗 {found.lost_kwh:,} 千瓦时，已含在本账单电量内。"
    if found and found.power_factor is not None:
        yield f"功率因数 {found.power_factor}（无功 {found.reactive_kvarh:,} 千乏时）。"


def _yuan(amount_fen: int) -> str:
    sign = "-" if amount_fen < 0 else ""
    whole, fen = divmod(abs(amount_fen), _FEN_PER_YUAN)
    return f"{sign}{whole:,}.{fen:02}"


def _moment(moment: datetime) -> str:
    return _day(business_date(moment))


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
