"""Reading batches: what becomes of each reading that was sent together with others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from service.domain.errors import Invalid, Refusal
from service.domain.meters import Register
from service.domain.reading_pasts import Past
from service.domain.readings import TAKEN_BY_PERSONS, MeterState, NewReading, Reading, taken

BATCH_MAX = 1_000
"""A round of a reader's day; longer batches would hold the locks of too many meters at once."""


class BatchLengthRefused(Invalid):
    """A batch has readings, and not more than one transaction should hold."""

    code = "BATCH_LENGTH_REFUSED"
    hint = f"Send 1 to {BATCH_MAX} readings at a time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """What is odd about a reading that was taken; a bill run will ask another hand about it."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAccepted:
    """What the sender is told of a reading that was taken."""

    item: int
    status: Literal["accepted"] = "accepted"
    account_no: str
    rolled_over: bool
    findings: tuple[Oddity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRefused:
    """What the sender is told of a reading that was not taken."""

    item: int
    status: Literal["refused"] = "refused"
    account_no: str
    code: str
    detail: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What became of a batch, with a result for every item, in its order and counted from 1."""

    accepted: int
    refused: int
    results: tuple[ItemAccepted | ItemRefused, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What a batch comes to: the readings to keep, what each meter shows after them, what to answer.

    `readings` are in the order of their time for each meter; `states` holds the meters that moved.
    """

    readings: tuple[Reading, ...]
    states: tuple[MeterState, ...]
    report: BatchReport


def check_length(readings: Sequence[object]) -> None:
    """
    Let a batch pass that one transaction can hold.

    :raises BatchLengthRefused: if it is empty, or has more than `BATCH_MAX` readings
    """
    if not 1 <= len(readings) <= BATCH_MAX:
        raise BatchLengthRefused(f"the batch has {len(readings)} readings")


def judge(
    batch: Sequence[NewReading],
    *,
    states: Mapping[str, MeterState],
    pasts: Mapping[str, Past],
    now: datetime,
    open_from: date,
) -> Judgement:
    """
    Judge each reading of a batch by the one before it, in the batch or of an earlier one.

    `states` are the meters as they stand, `pasts` what those are compared with that persons read,
    both by account number; `open_from` is the first day whose readings are kept. Items of one meter
    are judged in the order of their time, whatever their order in the batch, and a refused one
    leaves no trace for the next.
    """
    shown, behind = dict(states), dict(pasts)
    readings: list[Reading] = []
    results: dict[int, ItemAccepted | ItemRefused] = {}
    for index in sorted(range(len(batch)), key=lambda index: batch[index].read_at):
        new, item = batch[index], index + 1
        account_no = new.account_no
        try:
            reading = taken(new, shown.get(account_no), now=now, open_from=open_from)
        except Refusal as refusal:
            results[item] = refused(item, account_no, refusal)
            continue
        readings.append(reading)
        shown[account_no] = _after(shown[account_no], reading)
        if account_no in behind:
            behind[account_no] = behind[account_no].after(rolled_over=reading.rolled_over)
        findings = _odd(reading, behind.get(account_no), shown[account_no].shape)
        results[item] = ItemAccepted(
            item=item, account_no=account_no, rolled_over=reading.rolled_over, findings=findings
        )
    return Judgement(
        readings=tuple(readings),
        states=_moved(shown.values(), readings),
        report=report_of(results[item] for item in sorted(results)),
    )


def _moved(states: Iterable[MeterState], readings: Iterable[Reading]) -> tuple[MeterState, ...]:
    moved = {reading.meter_id for reading in readings}
    return tuple(state for state in states if state.meter_id in moved)


def _after(state: MeterState, reading: Reading) -> MeterState:
    return replace(
        state,
        read_at=reading.read_at,
        register=reading.register,
        is_estimated=False,
        periods={each.period: each.register for each in reading.periods},
    )


def _odd(reading: Reading, past: Past | None, shape: Register) -> tuple[Oddity, ...]:
    if past is None or reading.source not in TAKEN_BY_PERSONS:
        return ()
    found = past.findings(reading.register, read_at=reading.read_at, shape=shape)
    return tuple(Oddity(kind=each.code, detail=each.detail) for each in found)


def refused(item: int, account_no: str, refusal: Refusal) -> ItemRefused:
    """Return what the sender is told of an item that was refused."""
    return ItemRefused(
        item=item,
        account_no=account_no,
        code=refusal.code,
        detail=refusal.detail,
        hint=refusal.hint,
    )


def report_of(results: Iterable[ItemAccepted | ItemRefused]) -> BatchReport:
    """Return the report with these results."""
    told = tuple(results)
    accepted = sum(isinstance(result, ItemAccepted) for result in told)
    return BatchReport(accepted=accepted, refused=len(told) - accepted, results=told)
