"""An open loop: when requests are due does not depend on any answer."""

from __future__ import annotations

from itertools import pairwise

from failover_tests.workload.arrivals import planned


def test_payments_and_reads_fall_due_at_their_own_rates():
    plan = list(planned(payments_per_s=100, reads_per_s=50, seconds=2))
    assert sum(kind == "payment" for _, _, kind in plan) == 200
    assert sum(kind == "read" for _, _, kind in plan) == 100


def test_requests_come_in_the_order_of_their_times_and_in_time():
    times = [after_s for after_s, _, _ in planned(payments_per_s=70, reads_per_s=30, seconds=3)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] < 3


def test_equal_rates_do_not_send_in_pairs():
    times = [after_s for after_s, _, _ in planned(payments_per_s=100, reads_per_s=100, seconds=1)]
    assert min(later - sooner for sooner, later in pairwise(times)) > 0.004


def test_every_payment_has_its_own_number():
    numbers = [
        n for _, n, kind in planned(payments_per_s=9, reads_per_s=9, seconds=9) if kind == "payment"
    ]
    assert numbers == list(range(81))
