"""Meters: what a register can show, what its advance is in energy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from service.domain.errors import Invalid
from service.domain.rounding import half_up

DIGITS_MAX = 12
DECIMALS_MAX = 4
CONSUMPTION_MAX_KWH = 1_000_000_000
"""More than a city takes in a month: then a meter's master data are wrong, not its customer."""

_REGISTER = re.compile(r"(?P<whole>[0-9]{1,12})(?:\.(?P<fraction>[0-9]{1,4}))?", re.ASCII)
_SCALE = 10**DECIMALS_MAX  # Registers and multipliers have four decimals at most.
_ROLL_OVER_FROM = Decimal("0.9")  # of the register's range


class RegisterMalformed(Invalid):
    """A register value is a plain decimal number, written as text."""

    code = "REGISTER_MALFORMED"
    hint = 'Write what the meter shows as text, for example "1234.5": no sign, no exponent.'


class RegisterTooLong(Invalid):
    """The register of this meter cannot show so many digits."""

    code = "REGISTER_TOO_LONG"
    hint = "Check the value, and that it was read from this meter."


class ConsumptionImplausible(Invalid):
    """The registers and the multiplier come to energy that nobody can have used."""

    code = "CONSUMPTION_IMPLAUSIBLE"
    hint = "Check the meter's multiplier and initial register, and the readings since."


@dataclass(frozen=True, slots=True)
class Register:
    """What a meter can show: `digits` before the decimal point, `decimals` after it."""

    digits: int
    decimals: int

    @property
    def range(self) -> int:
        """The first value that no longer fits: there the register begins again at zero."""
        return int(10**self.digits)

    @property
    def unit(self) -> Decimal:
        """The least that it can show."""
        return Decimal(1).scaleb(-self.decimals)

    def read(self, text: str) -> Decimal:
        """
        Return the value that `text` shows; zeros in front and at the end of it do not matter.

        :raises RegisterMalformed: if `text` is not a plain decimal number
        :raises RegisterTooLong: if this register cannot show it
        """
        match = _REGISTER.fullmatch(text)
        if match is None:
            raise RegisterMalformed(f"register is {text!r}")
        whole = match["whole"].lstrip("0")
        fraction = (match["fraction"] or "").rstrip("0")
        if len(whole) > self.digits or len(fraction) > self.decimals:
            shape = f"{self.digits} digits and {self.decimals} decimals"
            raise RegisterTooLong(f"register is {text!r}, on a meter of {shape}")
        return Decimal(text)

    def may_roll_over_from(self, value: Decimal) -> bool:
        """
        Test if a register that shows less than `value` next has plausibly passed its last digit.

        Source: domain rule 2.2, step 1 (only from nine tenths of its range on).
        """
        return value >= self.range * _ROLL_OVER_FROM

    def advance(self, *, start: Decimal, end: Decimal, roll_overs: int) -> Decimal:
        """
        Return how far the register moved from `start` to `end` when it rolled over so often.

        Source: domain rule 2.2, step 1; example E07.
        """
        advance = end - start + roll_overs * self.range
        assert advance >= 0, "a reading below its predecessor must have been taken as a roll-over"
        return advance


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """
    What the register of one meter showed at both ends of the time that it measured for a bill.

    It began again at zero `roll_overs` times in between.
    """

    shape: Register
    multiplier: Decimal
    start: Decimal
    end: Decimal
    roll_overs: int

    @property
    def is_backwards(self) -> bool:
        """Whether the register would have had to run backwards, as after a correction."""
        return self.end + self.roll_overs * self.shape.range < self.start

    @property
    def kwh(self) -> int:
        """What the meter measured."""
        advance = self.shape.advance(start=self.start, end=self.end, roll_overs=self.roll_overs)
        return consumption_kwh(advance=advance, multiplier=self.multiplier)

    def __str__(self) -> str:
        """Write it as a person reads meters."""
        return f"{self.start} to {self.end} times {self.multiplier}"


def measured_kwh(spans: Iterable[Span]) -> int:
    """
    Return what the meters of an account measured one after the other, each rounded by itself.

    Source: domain rule 2.2, steps 2 and 7; example E08.
    :raises ConsumptionImplausible: if it is below zero or beyond `CONSUMPTION_MAX_KWH`
    """
    kwh = 0
    for span in spans:
        if span.is_backwards:
            raise ConsumptionImplausible(f"{span} is below zero")
        kwh += span.kwh
        if kwh > CONSUMPTION_MAX_KWH:
            raise ConsumptionImplausible(f"{span} is {kwh} kWh")
    return kwh


def consumption_kwh(*, advance: Decimal, multiplier: Decimal) -> int:
    """
    Return the energy behind an advance of the register, in kWh, half up.

    Whole numbers, because a product of both at their longest is more than Decimal keeps unrounded.

    Source: domain rule 2.2, step 2 (rounded once, after the multiplier); examples E07 to E09.
    """
    return half_up(int(advance * _SCALE) * int(multiplier * _SCALE), _SCALE * _SCALE)


def shown(register: Decimal) -> str:
    """Return what a register shows: no zeros at the end of a fraction."""
    text = f"{register:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
