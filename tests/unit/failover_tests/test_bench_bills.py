"""What a measured bill run is found wanting in, whatever the machine."""

from __future__ import annotations

import msgspec
import pytest

from failover_tests.bench.bills import Bills, shortfalls
from failover_tests.bench.page import bill_run

RUN = Bills(
    bills=20_003,
    failed=0,
    calculated_per_s=5_000.0,
    issued_per_s=3_000.0,
    billed_per_s=1_875.0,
    copied_per_s=15_000.0,
    issued_over_copied=0.2,
    worker_mb=120,
)


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, []),
        ({"bills": 20_000}, []),
        ({"bills": 19_999}, ["19999 bills of 20000 accounts, 0 failed"]),
        ({"failed": 1}, ["20003 bills of 20000 accounts, 1 failed"]),
        ({"worker_mb": 301}, ["a worker has had 301 MB"]),
    ],
)
def test_every_account_has_its_bill_and_no_worker_grows(changed, wrong):
    assert shortfalls(msgspec.structs.replace(RUN, **changed), accounts=20_000) == wrong


def test_the_figures_are_said_in_a_sentence():
    said = bill_run(msgspec.to_builtins(RUN))
    assert said.startswith("20003 bills, 0 accounts not billed: 5000 a second calculated")
    assert said.endswith("issuing reaches 20%. A worker has had at most 120 MB.")
