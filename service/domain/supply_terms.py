"""Supply terms: by what an account of two parts is charged beside its energy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from service.domain.errors import Invalid
from service.domain.household_terms import Standing, check_not_billed
from service.domain.months import Month
from service.domain.two_part import TWO_PART

TermMode = Literal["capacity", "contract_demand", "actual_demand"]
TermStandard = Literal[80, 85, 90]

_LOAD_SHAPE_MIN, _LOAD_SHAPE_MAX = Decimal(1), Decimal(3)
_KW = re.compile(r"[0-9]{1,8}(?:\.[0-9]{1,2})?", re.ASCII)
_LOAD_SHAPE = re.compile(r"[0-9](?:\.[0-9]{1,2})?", re.ASCII)


class NotTwoPart(Invalid):
    """Only a customer of two parts pays for capacity or demand."""

    code = "NOT_TWO_PART"
    hint = f"Check the account number: two parts have {', '.join(sorted(TWO_PART))} customers."


class ContractMismatched(Invalid):
    """A contract demand is agreed where it is paid for, and nowhere else."""

    code = "CONTRACT_MISMATCHED"
    hint = "Send `contract_kw` with the mode `contract_demand`, above 0, and with no other."


class DiscountMismatched(Invalid):
    """Heavy use lowers the price of demand, which is not paid for by capacity."""

    code = "DISCOUNT_MISMATCHED"
    hint = "Leave `has_heavy_use_discount` out with the mode `capacity`."


class LoadShapeImplausible(Invalid):
    """No load is as even, or as uneven, as this."""

    code = "LOAD_SHAPE_IMPLAUSIBLE"
    hint = 'Send "1.0" for three shifts, "1.5" for two, "3.0" for one, or what is between.'


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplyTerm:
    """
    How an account is charged, from an accounting month (YYYY-MM) until its next term.

    Of two that begin in one month the one recorded last holds. Decimal numbers are text.
    `power_factor_standard` is in hundredths, null if it is not assessed. A meter that
    `is_metered_low` hangs behind the transformers: what they lose is billed, by `load_shape`. The
    agreed share of the line is billed wherever the meter is. `has_heavy_use_discount` lowers the
    price of demand for a month of 260 kWh a kVA.
    """

    from_month: str
    basic_mode: TermMode
    contract_kw: str | None
    power_factor_standard: TermStandard | None
    is_metered_low: bool
    load_shape: str
    line_loss_hundredths_percent: int
    has_heavy_use_discount: bool
    document_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSupplyTerm:
    """A term as it was recorded, by whom."""

    from_month: str
    basic_mode: TermMode
    contract_kw: Decimal | None
    power_factor_standard: TermStandard | None
    is_metered_low: bool
    load_shape: Decimal
    line_loss_hundredths_percent: int
    has_heavy_use_discount: bool
    document_no: str
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSupplyTerms:
    """Every term of an account, the newest first."""

    account_no: str
    items: tuple[RecordedSupplyTerm, ...]


def check_supply_term(term: SupplyTerm, month: Month, standing: Standing) -> None:
    """
    Let a term pass that begins in a month of a two-part account which is not billed yet.

    Source: domain rule 2.3 (the mode is changed for months to come).
    :raises NotTwoPart: if the account's category has no basic charge
    :raises ContractMismatched: if a contract demand is missing, or is not paid for
    :raises DiscountMismatched: if there is no price that it would lower
    :raises LoadShapeImplausible: if the load is as no load can be
    :raises TermBilled: if the month, or a later one, is billed
    """
    if standing.category not in TWO_PART:
        raise NotTwoPart(f"the account is {standing.category}")
    _check_contract(term)
    if term.has_heavy_use_discount and term.basic_mode == "capacity":
        raise DiscountMismatched("the account pays by capacity")
    if not _LOAD_SHAPE.fullmatch(term.load_shape) or not (
        _LOAD_SHAPE_MIN <= Decimal(term.load_shape) <= _LOAD_SHAPE_MAX
    ):
        raise LoadShapeImplausible(f"load_shape is {term.load_shape[:20]!r}")
    check_not_billed(month, standing)


def _check_contract(term: SupplyTerm) -> None:
    agreed = term.contract_kw
    if (term.basic_mode == "contract_demand") != (agreed is not None):
        raise ContractMismatched(f"contract_kw is {agreed and agreed[:20]!r}, {term.basic_mode}")
    if agreed is not None and not (_KW.fullmatch(agreed) and Decimal(agreed)):
        raise ContractMismatched(f"contract_kw is {agreed[:20]!r}")
