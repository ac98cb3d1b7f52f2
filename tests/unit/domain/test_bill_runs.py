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
    ("chunks", "chunks_done", "state"),
    [(3, 0, "queued"), (3, 1, "running"), (3, 3, "finished"), (0, 0, "finished")],
)
def test_a_run_is_finished_when_no_chunk_is_left(chunks, chunks_done, state):
    assert state_of(chunks=chunks, chunks_done=chunks_done) == state
