"""A request's deadline counts from when the edge took it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from falcon.testing import create_environ

from service.api.observation import Observation
from service.api.requests import Request

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
DEADLINE_S = 28


def left_s(start, deadline_s=DEADLINE_S):
    """Return how long a request may still take, as the API sees it."""
    headers = {} if start is None else {"X-Request-Start": start}
    request = Request(create_environ(path="/v1/prices", headers=headers))
    Observation(deadline_s=deadline_s, clock=lambda: NOW).process_request(request, None)
    assert abs(request.began - time.monotonic()) < 1
    return round(request.deadline - request.began, 3)


@pytest.mark.parametrize(
    ("waited_ms", "left"), [(0, 28), (1500, 26.5), (27_400, 0.6), (29_000, 0.5), (90_000, 0.5)]
)
def test_what_the_edge_held_back_is_no_longer_left_but_enough_to_answer(waited_ms, left):
    assert left_s(str(NOW_MS - waited_ms)) == left


@pytest.mark.parametrize(
    "start", [None, "", "soon", "-5", "1", f"{NOW_MS}.5", str(NOW_MS + 60_000)]
)
def test_a_start_that_is_none_or_lies_ahead_changes_nothing(start):
    assert left_s(start) == DEADLINE_S


def test_a_short_deadline_is_not_made_longer():
    assert left_s(str(NOW_MS - 60_000), deadline_s=0.3) == 0.3
