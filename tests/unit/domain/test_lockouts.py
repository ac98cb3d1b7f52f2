"""How long whoever fails must wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.domain import lockouts
from service.domain.lockouts import FREE_OF_USER, Failures, SignInDelayed

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def failed(times, *, at=NOW):
    return Failures(failures=times, last_failed_at=at, refused_until=at)


@pytest.mark.parametrize(
    ("failures", "delay_s"),
    [(0, 0), (4, 0), (5, 2), (6, 4), (7, 8), (13, 512), (14, 900), (15, 900), (10_000, 900)],
)
def test_the_wait_doubles_with_each_failure_beyond_the_free_ones(failures, delay_s):
    counted = lockouts.counted(failed(failures), now=NOW, free=FREE_OF_USER)

    assert counted.failures == failures + 1
    assert counted.refused_until - NOW == delay_s * SECOND


@pytest.mark.parametrize(
    ("ago", "failures"), [(timedelta(days=1) - SECOND, 8), (timedelta(days=1), 1)]
)
def test_failures_are_forgotten_after_a_day(ago, failures):
    counted = lockouts.counted(failed(7, at=NOW - ago), now=NOW, free=FREE_OF_USER)

    assert counted.failures == failures


def test_an_attempt_waits_for_its_name_and_its_address():
    free, delayed = (
        failed(0),
        Failures(failures=9, last_failed_at=NOW, refused_until=NOW + 1.5 * SECOND),
    )
    lockouts.check(free, free, now=NOW)
    for held in ((free, delayed), (delayed, free)):
        with pytest.raises(SignInDelayed) as refused:
            lockouts.check(*held, now=NOW)
        assert refused.value.wait_s == 2  # whole seconds: never too early
    lockouts.check(delayed, free, now=NOW + 1.5 * SECOND)


@pytest.mark.parametrize(
    ("address", "network"),
    [("10.1.2.3", "10.1.2.3"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")],
)
def test_one_customer_of_a_provider_is_one_address(address, network):
    assert lockouts.network_of(address) == network
