"""The basic charge of a two-part customer, by each of its modes."""

from dataclasses import dataclass
from fractions import Fraction

from tests.oracle.charges import Line
from tests.oracle.exact import yuan

DIVISOR_DAYS = 30
NONE = Fraction()


@dataclass(frozen=True)
class Basic:
    """How the basic charge is found; equipment is kVA with its days, None for a full month."""

    mode: str  # capacity, contract, actual, before_2016
    price: Fraction
    equipment: list[tuple[Fraction, int | None]]
    contract: Fraction = NONE
    measured: Fraction = NONE
    floor: Fraction = NONE
    may_be_discounted: bool = False

    @property
    def running_kva(self) -> Fraction:
        """The capacity that runs."""
        return sum((kva for kva, _ in self.equipment), NONE)


def basic_lines(basic: Basic, *, billed_kwh: Fraction) -> list[Line]:
    """Return the lines of the mode. Source: 2.3."""
    if basic.mode == "capacity":
        return [capacity_charge(kva, price=basic.price, days=days) for kva, days in basic.equipment]
    price, kva = basic.price, basic.running_kva
    if basic.may_be_discounted:
        price = discounted(price, billed=billed_kwh, kva=kva)
    if basic.mode == "actual":
        return actual_demand(measured=basic.measured, floor=basic.floor, price=price)
    rule = contract_demand if basic.mode == "contract" else demand_before_2016
    return rule(contract=basic.contract, measured=basic.measured, running_kva=kva, price=price)


def capacity_charge(kva: Fraction, *, price: Fraction, days: int | None) -> Line:
    """Charge one transformer: a full month (None) is the price, else days/30. Source: 2.3."""
    part = Fraction(1) if days is None else Fraction(days, DIVISOR_DAYS)
    return Line("basic", kva, yuan(kva * price * part))


def contract_demand(
    *, contract: Fraction, measured: Fraction, running_kva: Fraction, price: Fraction
) -> list[Line]:
    """Charge the contract demand, the excess over 105 % twice. Source: 2.3, 2.12a."""
    contract = max(contract, running_kva * 40 / 100)
    excess = max(measured - contract * 105 / 100, Fraction())
    return [
        Line("basic", contract, yuan(contract * price)),
        Line("basic", excess, yuan(excess * price * 2)),
    ]


def actual_demand(*, measured: Fraction, floor: Fraction, price: Fraction) -> list[Line]:
    """Charge the demand measured; a floor of 0 is none. Source: 2.3."""
    demand = max(measured, floor)
    return [Line("basic", demand, yuan(demand * price))]


def demand_before_2016(
    *, contract: Fraction, measured: Fraction, running_kva: Fraction, price: Fraction
) -> list[Line]:
    """Charge the larger of demand and floor, twice beyond the contract. Source: 2.3, 2.12a."""
    floor = running_kva * 40 / 100
    contract, measured = max(contract, floor), max(measured, floor)
    demand, excess = min(contract, measured), max(measured - contract, Fraction())
    return [
        Line("basic", demand, yuan(demand * price)),
        Line("basic", excess, yuan(excess * price * 2)),
    ]


def discounted(price: Fraction, *, billed: Fraction, kva: Fraction) -> Fraction:
    """Lower a demand price by a tenth from 260 kWh per kVA on. Source: 2.3, 2.12a."""
    return price * 9 / 10 if kva and billed / kva >= 260 else price
