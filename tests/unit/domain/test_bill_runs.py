"""When a month may be billed, how far its run has come."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.domain.bill_runs import MonthNotClosed, check_closed, state_of
from service.domain.months import Month


@pytest.mark.parametrize(
    ("month", "last_moment"),
    [
        (Month(2026, 3), datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC)),
        (Month(2026, 2), datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC)),
        (Month(2028, 2), datetime(2028, 2, 29, 15, 59, 59, tzinfo=UTC)),  # leap day
        (Month(2026, 12), datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)),  # year end
    ],
)
def test_a_month_is_closed_at_midnight_in_beijing(month, last_moment):
    with pytest.raises(MonthNotClosed, match=f"month {month} ends at"):
        check_closed(month=month, now=last_moment)

    check_closed(month=month, now=last_moment.replace(hour=16, minute=0, second=0))


def test_a_month_to_come_is_not_closed():
    with pytest.raises(MonthNotClosed):
        check_closed(month=Month(2027, 1), now=datetime(2026, 4, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("calculated", "done", "decided", "state"),
    [
        (0, 0, None, "queued"),
        (1, 0, None, "calculating"),
        (3, 0, None, "calculated"),
        (3, 0, "approved", "issuing"),
        (3, 2, "approved", "issuing"),
        (3, 3, "approved", "finished"),
        (1, 0, "rejected", "rejected"),
        (3, 0, "rejected", "rejected"),
        (0, 3, None, "finished"),  # of a time before sign-offs
    ],
)
def test_a_run_is_issued_once_it_is_calculated_and_approved(calculated, done, decided, state):
    found = state_of(chunks=3, calculated=calculated, done=done, decided=decided)
    assert found == state


def test_a_run_without_accounts_is_finished():
    assert state_of(chunks=0, calculated=0, done=0, decided=None) == "finished"
