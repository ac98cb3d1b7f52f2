"""Metering faults: what was found out about a meter, which energy that makes up for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from service.domain import corrections
from service.domain.errors import Invalid
from service.domain.meters import CONSUMPTION_MAX_KWH
from service.domain.rounding import half_up

FaultKind = Literal["meter_error", "wiring", "multiplier", "agreed"]
_ERROR_MAX, _FACTOR_MAX, _MULTIPLIER_MAX = 1, 100, 1_000_000


class FaultAmbiguous(Invalid):
    """A correction has one cause."""

    code = "FAULT_AMBIGUOUS"
    hint = "Send one of meter_error, wiring_factor, true_multiplier, agreed_kwh."


class FaultImplausible(Invalid):
    """Nothing that is found out about a meter is like that."""

    code = "FAULT_IMPLAUSIBLE"
    hint = (
        "Send meter_error as a fraction above -1 and up to 1 (0.035 counts 3.5 % too much), "
        "wiring_factor as true energy per counted one, up to 100, true_multiplier above 0, up to "
        f"{_MULTIPLIER_MAX}; no correction comes to more than {CONSUMPTION_MAX_KWH} kWh."
    )


class DaysBackwards(Invalid):
    """A fault begins before it ends, and does not end in the future."""

    code = "DAYS_BACKWARDS"
    hint = "Send since before until, neither in the future: until is the day it was put right."


class MadeUp(NamedTuple):
    """What is made up for, in kWh, below zero given back; how that came about, in words."""

    kwh: int
    calculation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What was found out, as it was sent: one of them; numbers are text, energy is in kWh.

    `meter_error` is the verified one of a meter beyond its tolerance, as a fraction (0.035: it
    counts 3.5 % too much); `wiring_factor` the true energy per counted one; `agreed_kwh` what both
    sides agree upon, by the voltage that was lost, by a normal month, below zero to give back.
    """

    meter_error: str | None = None
    wiring_factor: str | None = None
    true_multiplier: str | None = None
    agreed_kwh: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """
    What was found out about the metering of an account: one of `Facts`, by its kind.

    Source: 1996 Rule art. 80, 81; domain rule 2.10.
    :raises FaultImplausible: if it cannot be
    """

    kind: FaultKind
    fact: Decimal

    def __post_init__(self) -> None:
        is_plausible = {
            "meter_error": -_ERROR_MAX < self.fact <= _ERROR_MAX,
            "wiring": 0 <= self.fact <= _FACTOR_MAX,
            "multiplier": 0 < self.fact <= _MULTIPLIER_MAX,
            "agreed": abs(self.fact) <= CONSUMPTION_MAX_KWH,
        }[self.kind]
        if not is_plausible:
            raise FaultImplausible(f"{self.kind} of {self.fact}")

    def counts_from(self, since: date, until: date) -> date:
        """
        Return the first day whose energy counts, of a fault between two days.

        Of a meter's error it is half of the time since its last test, or its installation
        (art. 80 (1)); Evergrid's choice: the later half, a day in the middle counts.
        """
        if self.kind != "meter_error":
            return since
        return until - timedelta(days=half_up((until - since).days, 2))

    def made_up(self, *, base_kwh: int, used: Decimal) -> MadeUp:
        """
        Return what is made up for, where `base_kwh` were measured with a multiplier `used`.

        Source: examples E19a, E19b, E19c.
        :raises FaultImplausible: if it is more energy than anybody uses
        """
        fact, base = _plain(self.fact), f"{base_kwh} kWh"
        match self.kind:
            case "meter_error":
                kwh = corrections.of_meter_error(billed_kwh=base_kwh, error=self.fact)
                told = f"-{base} × {fact} / (1 + {fact})"
            case "wiring":
                kwh = corrections.of_wiring(billed_kwh=base_kwh, factor=self.fact)
                told = f"{base} × ({fact} - 1)"
            case "multiplier":
                kwh = corrections.of_multiplier(billed_kwh=base_kwh, used=used, true=self.fact)
                told = f"{base} × ({fact} - {_plain(used)}) / {_plain(used)}"
            case "agreed":
                return MadeUp(int(self.fact), f"{fact} kWh, as agreed")
        if abs(kwh) > CONSUMPTION_MAX_KWH:
            raise FaultImplausible(f"{told} come to {kwh} kWh")
        return MadeUp(kwh, f"{told}, half up {kwh} kWh")


def fault_of(facts: Facts) -> Fault:
    """
    Return what was found out.

    :raises FaultAmbiguous: if it is nothing, or several things
    :raises FaultImplausible: if it cannot be
    """
    by_kind: dict[FaultKind, str | int | None] = {
        "meter_error": facts.meter_error,
        "wiring": facts.wiring_factor,
        "multiplier": facts.true_multiplier,
        "agreed": facts.agreed_kwh,
    }
    found = [(kind, fact) for kind, fact in by_kind.items() if fact is not None]
    if len(found) != 1:
        raise FaultAmbiguous(f"{len(found)} are sent")
    [(kind, fact)] = found
    return Fault(kind, Decimal(fact))


def check_days(since: date, until: date, *, today: date) -> None:
    """
    Let days pass of which the first is before the last, which is not in the future.

    :raises DaysBackwards: if they are not
    """
    if not since < until <= today:
        raise DaysBackwards(f"since {since} until {until}")


def _plain(number: Decimal) -> str:
    """Write a decimal without zeros at its end."""
    return f"{number.normalize():f}"
