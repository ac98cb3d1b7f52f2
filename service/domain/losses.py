"""Losses: energy that is lost on its way from the point of supply to the meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from service.domain.rounding import half_up

_HOURS = 24
_PERCENT = Fraction(1, 100)
_WHOLE = 100_00  # of hundredths of a percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformer:
    """
    What a transformer's plate says.

    `no_load_kw` is P0, `load_kw` Pk at rated load, `no_load_percent` I0 of the rated current,
    `short_circuit_percent` Uk of the rated voltage.
    """

    capacity_kva: Decimal
    no_load_kw: Decimal
    load_kw: Decimal
    no_load_percent: Decimal
    short_circuit_percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What is added to the energy that was read, in kWh, to the reactive energy, in kvarh."""

    active_kwh: int
    reactive_kvarh: int


def of_transformer(
    transformer: Transformer,
    *,
    days: int,
    load_shape: Decimal,
    active_kwh: int,
    reactive_kvarh: int,
) -> Loss:
    """
    Return what a transformer lost in `days` of running, each sum rounded half up once.

    `load_shape` is K: how much more an uneven load loses (three shifts 1.0, two 1.5, one 3.0; a
    parameter of the bureau's).

    Source: domain rule 2.8; example E16.
    """
    hours = _HOURS * days
    if hours == 0:
        return Loss(active_kwh=0, reactive_kvarh=0)
    capacity = Fraction(transformer.capacity_kva)
    square = active_kwh * active_kwh + reactive_kvarh * reactive_kvarh
    load = Fraction(Fraction(load_shape) * square, capacity * capacity * hours)
    magnetising = capacity * Fraction(transformer.no_load_percent) * _PERCENT
    stray = capacity * Fraction(transformer.short_circuit_percent) * _PERCENT
    return Loss(
        active_kwh=_rounded(
            Fraction(transformer.no_load_kw) * hours + load * Fraction(transformer.load_kw)
        ),
        reactive_kvarh=_rounded(magnetising * hours + load * stray),
    )


def of_line(active_kwh: int, *, hundredths_percent: int) -> int:
    """
    Return what a line lost, as the agreed share of what was read and lost behind it, in kWh.

    Source: domain rule 2.8 (ratio mode); example E17d.
    """
    return half_up(active_kwh * hundredths_percent, _WHOLE)


def shared(kwh: int, *, by: Sequence[int]) -> tuple[int, ...]:
    """
    Return `kwh` in shares as `by` is, each rounded half up; the last one takes the rest.

    The last one takes everything if there is nothing to go by. `by` is not empty.

    Source: domain rules 2.2, step 5, and 2.12; example E17c.
    """
    whole = sum(by)
    first = [half_up(kwh * part, whole) if whole else 0 for part in by[:-1]]
    return (*first, kwh - sum(first))


def _rounded(exact: Fraction) -> int:
    return half_up(exact.numerator, exact.denominator)
