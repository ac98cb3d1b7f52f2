"""Trials as they are sent: what a calculation is asked for, in the words of the API."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from service.api.validation import Text

_KWH_MAX = 1_000_000_000

Kwh = Annotated[int, msgspec.Meta(ge=0, le=_KWH_MAX)]
SignedKwh = Annotated[int, msgspec.Meta(ge=-_KWH_MAX, le=_KWH_MAX)]
Days = Annotated[int, msgspec.Meta(ge=1, le=366)]
Months = Annotated[int, msgspec.Meta(ge=1, le=12)]
# Hundredths of a percent.
Share = Annotated[int, msgspec.Meta(ge=0, le=100_00)]
# Decimals are text: binary fractions have no place in money.
PriceText = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,4}(\.[0-9]{1,8})?$")]
PowerText = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,8}(\.[0-9]{1,2})?$")]
FactorText = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,8}(\.[0-9]{1,4})?$")]
Positive = Annotated[str, msgspec.Meta(pattern=r"^(?=.*[1-9])[0-9]{1,8}(\.[0-9]{1,4})?$")]
PeriodName = Literal["sharp", "peak", "flat", "valley", "deep_valley"]
RegisterName = Literal[
    "sharp", "peak", "flat", "valley", "deep_valley", "reactive", "reactive_reverse", "demand"
]


class PriceOfAny(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every price says, in whichever unit it is."""

    component: Text
    price_yuan: PriceText
    period: PeriodName | None = None
    tier: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    is_levy: bool = False
    is_in_power_factor_base: bool = True


class PriceSent(PriceOfAny, frozen=True, forbid_unknown_fields=True):
    """A price in yuan per kWh or per month; for one period, for one tier, or for all energy."""

    unit: Literal["kWh", "month"] = "kWh"


class TiersSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where tiers end, in kWh a month or a year; what a household of many has more a month."""

    basis: Literal["month", "year"]
    limits_kwh: Annotated[list[Kwh], msgspec.Meta(min_length=1, max_length=9)]
    extension_kwh: Kwh = 0
    extension: Literal["shift", "widen"] = "shift"


class PowerFactorRowSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a power factor (hundredths) adds to the base, in hundredths of a percent."""

    power_factor: Annotated[int, msgspec.Meta(ge=0, le=100)]
    percent_hundredths: Annotated[int, msgspec.Meta(ge=-100_00, le=1000_00)]


class TariffSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A draft of what one category is charged; `power_factor` is the table of its standard."""

    prices: Annotated[list[PriceSent], msgspec.Meta(min_length=1, max_length=100)]
    tiers: TiersSent | None = None
    free_kwh: Kwh = 0
    power_factor: Annotated[list[PowerFactorRowSent], msgspec.Meta(max_length=101)] = []


class PublishedSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    The catalogue's price list of a category that is in force on a day: today, if none is said.

    Whether there is a sharp peak goes by the month of that day.
    """

    category: Text
    on: date | None = None


class SpellSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tariff, by its name in `tariffs` or `published`, with the days of the bill it holds."""

    tariff: Text
    days: Days


class HouseholdSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Months of the bill; with annual tiers those of the year, what it has come to before."""

    months: Months = 1
    year_months: Months = 12
    before_kwh: Kwh = 0
    is_extended: bool = False
    is_subsidised: bool = False


class SegmentSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one register of one meter showed at both ends; an exchanged meter makes two of them."""

    start: Text
    end: Text
    digits: Annotated[int, msgspec.Meta(ge=1, le=12)] = 6
    decimals: Annotated[int, msgspec.Meta(ge=0, le=4)] = 2
    multiplier: Positive = "1"


Segments = Annotated[list[SegmentSent], msgspec.Meta(min_length=1, max_length=10)]


class RegistersSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The registers of a metering point; what they leave of the total is flat."""

    total: Segments
    sharp: Segments | None = None
    peak: Segments | None = None
    valley: Segments | None = None
    deep_valley: Segments | None = None
    reactive: Segments | None = None
    reactive_reverse: Segments | None = None


class EnergySent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Energy in kWh by period of the day, instead of registers; `reactive_kvarh` in both ways."""

    sharp: Kwh = 0
    peak: Kwh = 0
    flat: Kwh = 0
    valley: Kwh = 0
    deep_valley: Kwh = 0
    reactive_kvarh: Kwh = 0


class SubMeterSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Energy behind the main meter that is billed by itself: fixed, a share, or measured."""

    spells: Annotated[list[SpellSent], msgspec.Meta(min_length=1, max_length=31)]
    fixed_kwh: Kwh | None = None
    share_hundredths_percent: Share | None = None
    measured: EnergySent | None = None
    household: HouseholdSent = HouseholdSent()
    participation: Literal["energy_and_money", "energy_only", "neither"] = "energy_and_money"


class TransformerSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transformer before the meter, by its plate, with the days it ran."""

    capacity_kva: Positive
    no_load_kw: FactorText
    load_kw: FactorText
    no_load_percent: FactorText
    short_circuit_percent: FactorText
    days: Days
    load_shape: FactorText = "1"


class EquipmentSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transformer or motor to charge for; without `days` for a whole month."""

    capacity_kva: PowerText
    days: Annotated[int, msgspec.Meta(ge=0, le=30)] | None = None


class BasicSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    How the basic charge is agreed; the price is that of a kVA or a kW a month.

    Without one it is that of the first spell's price list, if that is published.
    """

    mode: Literal["capacity", "contract_demand", "actual_demand", "before_2016"]
    price_yuan: PriceText | None = None
    equipment: Annotated[list[EquipmentSent], msgspec.Meta(max_length=50)] = []
    contract_kw: PowerText = "0"
    measured_kw: PowerText = "0"
    has_floor: bool = False
    has_discount: bool = False


class TrialSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer's month, by drafts in `tariffs` or by `published` price lists, each by a name."""

    spells: Annotated[list[SpellSent], msgspec.Meta(min_length=1, max_length=31)]
    tariffs: Annotated[dict[str, TariffSent], msgspec.Meta(max_length=31)] = {}
    published: Annotated[dict[str, PublishedSent], msgspec.Meta(max_length=31)] = {}
    registers: RegistersSent | None = None
    energy: EnergySent | None = None
    household: HouseholdSent = HouseholdSent()
    sub_meters: Annotated[list[SubMeterSent], msgspec.Meta(max_length=50)] = []
    transformers: Annotated[list[TransformerSent], msgspec.Meta(max_length=50)] = []
    line_loss_hundredths_percent: Share = 0
    corrections_kwh: SignedKwh = 0
    basic: BasicSent | None = None
    power_factor_standard: Literal[80, 85, 90] | None = None
