"""The demo's rounds: its accounts in sections, the running month planned, somebody sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from service.domain.idempotency import Once
from service.domain.months import Month
from service.domain.principals import Caller
from service.domain.reading_plans import ReadingPlan
from service.domain.reading_sections import STOPS_MAX, NewRoute
from service.store import demo as store
from service.store.database import Database
from service.usecases.reading_plans import assign_reader, list_plans, make_plans
from service.usecases.reading_sections import add_section, change_route

_DEADLINE_S = 60.0
_PAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """What an officer does about the rounds of a bureau; `once` makes a request's key of it."""

    database: Database
    officer: Caller
    bureau_id: int
    now: datetime
    once: Callable[[Sequence[object]], Once]

    def route_missing(self, *, first: Month) -> int:
        """Put accounts that are on no route on one, from a month on; return how many they were."""
        found = self._unrouted()
        starts = range(0, len(found.account_nos), STOPS_MAX)
        for number, start in enumerate(starts, found.sections + 1):
            section_no = self._add_section(f"Round {number:04}")
            account_nos = found.account_nos[start : start + STOPS_MAX]
            change_route(
                database=self.database,
                caller=self.officer,
                once=self.once(["route", section_no, account_nos]),
                section_no=section_no,
                route=NewRoute(
                    from_month=first,
                    example_day=1 + number % 28,
                    account_nos=tuple(account_nos),
                ),
                now=self.now,
                deadline=self._deadline(),
            )
        return len(found.account_nos)

    def plan(self, *, reader: str) -> None:
        """Plan the running month; send a reader wherever nobody is sent."""
        month = Month.at(self.now)
        make_plans(
            database=self.database,
            caller=self.officer,
            once=self.once(["plans", self.bureau_id, str(month), self._unrouted().sections]),
            bureau_id=self.bureau_id,
            month=month,
            now=self.now,
            deadline=self._deadline(),
        )
        for plan in self._plans(month):
            if plan.reader is None:
                assign_reader(
                    database=self.database,
                    caller=self.officer,
                    once=self.once(["reader", plan.plan_no, reader]),
                    plan_no=plan.plan_no,
                    reader=reader,
                    now=self.now,
                    deadline=self._deadline(),
                )

    def _plans(self, month: Month) -> Iterator[ReadingPlan]:
        cursor = None
        while True:
            page = list_plans(
                database=self.database,
                caller=self.officer,
                month=month,
                limit=_PAGE,
                cursor=cursor,
                now=self.now,
                deadline=self._deadline(),
            )
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _add_section(self, name: str) -> int:
        added = add_section(
            database=self.database,
            caller=self.officer,
            once=self.once(["section", self.bureau_id, name]),
            bureau_id=self.bureau_id,
            name=name,
            now=self.now,
            deadline=self._deadline(),
        )
        section_no: int = msgspec.json.decode(added.body)["section_no"]
        return section_no

    def _unrouted(self) -> store.Unrouted:
        return self.database.read(
            lambda transaction: store.unrouted(transaction, bureau_id=self.bureau_id),
            scope=str(self.bureau_id),
            deadline=self._deadline(),
        )

    def _deadline(self) -> float:
        return time.monotonic() + _DEADLINE_S
