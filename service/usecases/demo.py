"""The demo: two bureaus whose people may call, whose customers have meters that were read."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from service.domain.account_imports import LINES_MAX, ImportLine
from service.domain.errors import Conflict
from service.domain.idempotency import Answer, Once
from service.domain.months import Month
from service.domain.principals import Caller, Role
from service.domain.reading_batches import BATCH_MAX
from service.domain.readings import NewReading
from service.domain.registers import grows
from service.store import demo as store
from service.store.database import Database
from service.store.demo import DemoMeter
from service.usecases import demo_customers, demo_rounds, demo_supplies, principals
from service.usecases.accounts import import_accounts
from service.usecases.readings import post_readings

_BUREAUS = {1: "Tianshan", 2: "Kunlun"}
_BUREAU = 1
# The other bureau is there to show that its neighbours cannot see it: a few accounts are enough.
_NEIGHBOUR, _NEIGHBOUR_ACCOUNTS_MAX = 2, 20
# An administrator is a person who signs in, never a program with a token.
_ROLES = tuple(role for role in Role if role is not Role.ADMINISTRATOR)
_EVERYWHERE_ROLES = frozenset({Role.HEAD_OFFICE, Role.AUDITOR})
_TOKEN_DAYS = 365
# Meters are read in the evening of a month's last day, a minute apart, within two hours.
_READ_AT_HOUR, _READ_MINUTES = 20, 120
_DEADLINE_S = 60.0  # One batch; an operator waits through a failover, not for ever.
_REGISTER_RANGE = Decimal(10**6)
T = TypeVar("T")


class DemoRefused(Conflict):
    """The service refused part of the demo, which must never happen silently."""

    code = "DEMO_REFUSED"
    hint = "The demo loads into an empty database, or completes what it loaded before."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loader:
    """What every step of loading the demo needs."""

    database: Database
    callers: dict[str, Caller]
    now: datetime

    def deadline(self) -> float:
        return time.monotonic() + _DEADLINE_S


def load_demo(
    database: Database, *, accounts: int, months: int, now: datetime
) -> dict[str, object]:
    """
    Load what is missing of the demo; return its tokens by role, and what was done.

    Loading again, also after an interruption, completes it: `changed` then says if anything was
    missing. A token can be shown only once, so `tokens` holds those issued by this call. A role of
    the second bureau is written with its number (`hall_clerk_2`).

    :param accounts: how many customers the first bureau has
    :param months: how many months were read, ending with the last complete one
    :raises DemoRefused: if the service refuses any of it
    """
    loader = _Loader(database=database, callers=_people(database), now=now)
    last = Month.at(now).previous
    period = [last.plus(-back) for back in reversed(range(months))]
    imported = supplied = posted = routed = 0
    for bureau_id, count in (
        (_BUREAU, accounts),
        (_NEIGHBOUR, min(accounts, _NEIGHBOUR_ACCOUNTS_MAX)),
    ):
        imported += _import_missing(loader, bureau_id=bureau_id, count=count, first=period[0])
        supplied += _supply_missing(loader, bureau_id=bureau_id, first=period[0])
        posted += _post_missing(loader, bureau_id=bureau_id, period=period)
        routed += _route_missing(loader, bureau_id=bureau_id, first=period[0])
    tokens = _issue_missing(loader)
    return {
        "changed": bool(imported or supplied or posted or routed or tokens),
        "tokens": tokens,
        "bureau": _BUREAU,
        "accounts": accounts,
        "accounts_imported": imported,
        "readings_posted": posted,
        "accounts_routed": routed,
        "months": [str(month) for month in period],
        "account_no": _meters(loader, _BUREAU)[0].account_no,
    }


def _people(database: Database) -> dict[str, Caller]:
    """Record the bureaus with one principal a role, in each bureau; return them by role."""
    deadline = time.monotonic() + _DEADLINE_S
    for bureau_id, name in _BUREAUS.items():
        principals.add_bureau(database=database, bureau_id=bureau_id, name=name, deadline=deadline)
    callers = {}
    for bureau_id in _BUREAUS:
        for role in _ROLES:
            is_everywhere = role in _EVERYWHERE_ROLES
            if is_everywhere and bureau_id != _BUREAU:
                continue
            title = role.value if bureau_id == _BUREAU else f"{role.value}_{bureau_id}"
            callers[title] = principals.add_principal(
                database=database,
                name=f"demo {title}",
                role=role.value,
                bureau_id=None if is_everywhere else bureau_id,
                deadline=deadline,
            )
    return callers


def _import_missing(loader: _Loader, *, bureau_id: int, count: int, first: Month) -> int:
    known = {meter.asset_no for meter in _meters(loader, bureau_id)}
    missing = [
        demo_customers.customer(bureau_id=bureau_id, index=index, first_month=first)
        for index in range(count)
        if demo_customers.asset_no(bureau_id, index) not in known
    ]
    for batch in _batches(missing, LINES_MAX):
        answer = import_accounts(
            database=loader.database,
            caller=_of_bureau(loader, Role.DATA_MIGRATOR, bureau_id),
            once=_once(batch),
            lines=[ImportLine(line, account) for line, account in enumerate(batch, start=1)],
            now=loader.now,
            deadline=loader.deadline(),
        )
        _check_nothing_refused(answer)
    return len(missing)


def _supply_missing(loader: _Loader, *, bureau_id: int, first: Month) -> int:
    supplies = demo_supplies.Supplies(
        database=loader.database,
        migrator=_of_bureau(loader, Role.DATA_MIGRATOR, bureau_id),
        bureau_id=bureau_id,
        now=loader.now,
        once=_once,
        deadline=loader.deadline,
    )
    return supplies.record_missing(first=first)


def _post_missing(loader: _Loader, *, bureau_id: int, period: Sequence[Month]) -> int:
    meters = _meters(loader, bureau_id)
    posted = 0
    for month in period:
        for batch in _batches(list(enumerate(meters)), BATCH_MAX):
            readings = []
            for index, meter in batch:
                read_at = _read_at(month, index)
                if meter.read_at < read_at:
                    meters[index] = _moved(meter, read_at)
                    readings.append(_reading(meters[index]))
            if readings:
                _post(loader, bureau_id=bureau_id, readings=readings)
                posted += len(readings)
    return posted


def _post(loader: _Loader, *, bureau_id: int, readings: Sequence[NewReading]) -> None:
    answer = post_readings(
        database=loader.database,
        caller=_of_bureau(loader, Role.READER, bureau_id),
        once=_once(readings),
        readings=readings,
        now=loader.now,
        deadline=loader.deadline(),
    )
    _check_nothing_refused(answer)


def _route_missing(loader: _Loader, *, bureau_id: int, first: Month) -> int:
    rounds = demo_rounds.Rounds(
        database=loader.database,
        officer=_of_bureau(loader, Role.BILLING_OFFICER, bureau_id),
        bureau_id=bureau_id,
        now=loader.now,
        once=_once,
    )
    routed = rounds.route_missing(first=first)
    rounds.plan(reader=_of_bureau(loader, Role.READER, bureau_id).name)
    return routed


def _issue_missing(loader: _Loader) -> dict[str, str]:
    """
    Issue a token to each of the demo's principals that has none; return them by role.

    The last step, so that an interrupted load is repeated before its tokens are shown and lost.
    """
    tokens = {}
    for title, caller in loader.callers.items():
        if not _has_token(loader, caller):
            tokens[title] = principals.issue_token(
                database=loader.database,
                name=caller.name,
                days=_TOKEN_DAYS,
                make_secret=lambda: secrets.token_urlsafe(32),
                now=loader.now,
                deadline=loader.deadline(),
            )
    return tokens


def _has_token(loader: _Loader, caller: Caller) -> bool:
    return loader.database.read(
        lambda transaction: store.has_token(
            transaction, principal_id=caller.principal_id, now=loader.now
        ),
        scope="*",
        deadline=loader.deadline(),
    )


def _meters(loader: _Loader, bureau_id: int) -> list[DemoMeter]:
    return loader.database.read(
        lambda transaction: store.meters(
            transaction, bureau_id=bureau_id, prefix=demo_customers.ASSET_PREFIX
        ),
        scope=str(bureau_id),
        deadline=loader.deadline(),
    )


def _of_bureau(loader: _Loader, role: Role, bureau_id: int) -> Caller:
    title = role.value if bureau_id == _BUREAU else f"{role.value}_{bureau_id}"
    return loader.callers[title]


def _read_at(month: Month, index: int) -> datetime:
    evening = month.ends_at - timedelta(days=1) + timedelta(hours=_READ_AT_HOUR)
    return evening + timedelta(minutes=index % _READ_MINUTES)


def _moved(meter: DemoMeter, read_at: datetime) -> DemoMeter:
    hundredths = demo_customers.advance_hundredths(asset=meter.asset_no, read_at=read_at)
    register = _advanced(meter.register, hundredths)
    moved = demo_customers.of_registers(meter.asset_no, hundredths, meter.periods)
    periods = {
        # A register of demand begins anew at each reading.
        counted: _advanced(showed if grows(counted) else Decimal(0), moved[counted])
        for counted, showed in meter.periods.items()
    }
    return replace(meter, read_at=read_at, register=register, periods=periods)


def _advanced(register: Decimal, hundredths: int) -> Decimal:
    return (register + Decimal(hundredths) / 100) % _REGISTER_RANGE


def _reading(meter: DemoMeter) -> NewReading:
    return NewReading(
        account_no=meter.account_no,
        register=f"{meter.register:.2f}",
        read_at=meter.read_at,
        source="migration",
        is_roll_over_confirmed=False,
        periods={period: f"{shown:.2f}" for period, shown in meter.periods.items()},
    )


def _once(batch: Sequence[object]) -> Once:
    """Return a key that names its content, so that the same batch is never taken twice."""
    sha256 = hashlib.sha256(msgspec.json.encode(batch))
    return Once(key=f"demo {sha256.hexdigest()}", request_sha256=sha256.digest())


def _check_nothing_refused(answer: Answer) -> None:
    report = msgspec.json.decode(answer.body)
    if report["refused"]:
        first = next(result for result in report["results"] if result["status"] == "refused")
        raise DemoRefused(f"{report['refused']} refused, first {first['code']}: {first['detail']}")


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
