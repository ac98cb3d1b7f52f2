"""Bill details: what a reader of bills is shown, one in full or many in a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from service.domain.registers import Counted, RegisterUnit
from service.domain.tariffs import Unit
from service.domain.tou import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSummary:
    """
    A bill in a list; `month` is written YYYY-MM.

    Neither a bill that was cancelled nor the mirror that cancels it is in force. One that
    `is_correction` bills energy of another's that was counted wrongly, or gives it back; it stays
    in force, as does its reversal, which is another one.
    """

    bill_no: str
    month: str
    consumption_kwh: int
    amount_fen: int
    open_fen: int
    issued_at: datetime
    due_on: date
    is_in_force: bool
    is_correction: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPage:
    """Bills newest first."""

    account_no: str
    items: tuple[BillSummary, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """
    A line of a bill in words: a decimal quantity in `unit`, its price in decimal yuan a unit.

    Of the power factor's adjustment the price is the percentage of as many fen. A basic charge is
    for `days` of a month of 30, null for all of it. A `category` is named where the line is billed
    at the prices of another one than the account's.
    """

    component: str
    period: Period | None
    tier: int | None
    quantity: str
    unit: Unit
    price_yuan: str
    amount_fen: int
    is_levy: bool
    legal_document: str
    why: str
    days: int | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedMeter:
    """A meter that was exchanged in the time of a bill, with what it measured for that."""

    asset_no: str
    removed_at: datetime
    start_register: Decimal
    final_register: Decimal
    multiplier: Decimal
    consumption_kwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodOfBill:
    """What a meter's register of one period of the day showed, at both ends of a bill's time."""

    asset_no: str
    period: Period
    previous_register: Decimal
    register: Decimal
    consumption_kwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterOfBill:
    """
    What a meter's register of reactive energy, or of demand, showed at both ends of a bill's time.

    Of demand `register` is the highest. `quantity` is a decimal in `unit`, times the multiplier.
    """

    asset_no: str
    counted: Counted
    previous_register: Decimal
    register: Decimal
    quantity: str
    unit: RegisterUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPartOfBill:
    """
    What the transformers and the line of a customer lost; how its power factor came about.

    The bill's `consumption_kwh` holds the `lost_kwh`, `reactive_kvarh` what was lost of it. The
    power factor is that of both, a decimal, null if it is not assessed.
    """

    lost_kwh: int
    reactive_kvarh: int
    power_factor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDetails:
    """
    A bill with all that it was computed from; registers and multiplier are decimals.

    They are of the meter `asset_no`, which was read last. If it took the place of others meanwhile,
    it began at `previous_register`, and `removed_meters` measured the rest. `periods` are what its
    meters' registers of periods of the day showed, where they have any; what these leave is flat.

    `registers` are of reactive energy and of demand; `two_part` is null where nothing was lost, and
    no reactive energy counted.

    A mirror cancels `cancels_bill_no`: its energy and its amounts are those of that bill, below
    zero. A bill that was cancelled names its mirror in `cancelled_by_bill_no`. The correction of
    `corrects_bill_no` bills energy that was counted wrongly between its readings, or below zero
    gives it back, as `energy_correction_no` says; that one names its corrections in
    `corrected_by_bill_nos`. One that
    `is_estimated` ends at a reading that nobody took; the next one `settles_estimate`.
    """

    bill_no: str
    account_no: str
    month: str
    consumption_kwh: int
    amount_fen: int
    open_fen: int
    issued_at: datetime
    due_on: date
    asset_no: str
    previous_read_at: datetime
    previous_register: Decimal
    read_at: datetime
    register: Decimal
    multiplier: Decimal
    removed_meters: tuple[RemovedMeter, ...]
    periods: tuple[PeriodOfBill, ...]
    registers: tuple[RegisterOfBill, ...]
    two_part: TwoPartOfBill | None
    legal_document: str
    cancels_bill_no: str | None
    cancelled_by_bill_no: str | None
    energy_correction_no: int | None
    corrects_bill_no: str | None
    corrected_by_bill_nos: tuple[str, ...]
    is_estimated: bool
    settles_estimate: bool
    lines: tuple[BillLine, ...]
