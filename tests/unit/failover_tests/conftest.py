from __future__ import annotations

import pytest

from failover_tests.books import AccountBalance, Books, Recorded, Standing, Switch, Totals
from failover_tests.evidence import Evidence
from failover_tests.faults import Fault
from failover_tests.history import History, Request
from failover_tests.samples import Sample, Samples


def payment(number: int, *, done_s: float | None = None, **changed: object) -> Request:
    """A payment of 500 fen that was due at `number` seconds and answered 10 ms later."""
    fields: dict[str, object] = {
        "kind": "payment",
        "key": f"drill-p{number}",
        "account_no": "1000000001",
        "amount_fen": 500,
        "due_s": float(number),
        "sent_s": float(number),
        "sent_unix_s": 1_770_000_000.0 + number,
        "done_s": number + 0.01 if done_s is None else done_s,
        "attempts": 1,
        "status": 201,
        "payment_no": f"20260401{number:012d}",
        "error": None,
    }
    return Request(**{**fields, **changed})


def read(number: int, **changed: object) -> Request:
    """A read that was due at `number` seconds and answered 10 ms later."""
    as_read = {"kind": "read", "key": f"drill-r{number}", "amount_fen": 0, "status": 200}
    return payment(number, **{**as_read, "payment_no": None, **changed})


def recorded(number: int, **changed: object) -> Recorded:
    """The payment of the same number as the books hold it."""
    fields: dict[str, object] = {
        "channel_serial": f"drill-p{number}",
        "payment_no": f"20260401{number:012d}",
        "account_no": "1000000001",
        "amount_fen": 500,
    }
    return Recorded(**{**fields, **changed})


def looks(host: str, *roles: tuple[float, str, int | None]) -> Samples:
    """One look at `host` per (second, role, timeline); each takes 50 ms."""
    return tuple(
        Sample(
            host=host,
            asked_s=at_s,
            seen_s=at_s + 0.05,
            is_primary=role == "primary",
            is_streaming=role == "streaming",
            timeline=timeline,
            error="ClientConnectorError" if role == "silent" else None,
        )
        for at_s, role, timeline in roles
    )


def in_order(*groups: Samples) -> Samples:
    return tuple(sorted((s for group in groups for s in group), key=lambda s: s.seen_s))


@pytest.fixture
def history() -> History:
    """Five payments, a second apart, and a read; all of them answered."""
    return (*(payment(number) for number in range(5)), read(5))


@pytest.fixture
def books() -> Books:
    """What the database holds after that history, if everything is right."""
    return Books(
        standing=Standing(Totals(payments=5, journals=5, accounts=1, bills=0), timeline=3),
        payments=tuple(recorded(number) for number in range(5)),
        unexplained=(),
        unbalanced=(),
        balances=(AccountBalance("1000000001", 0, 0, 2500, 2500),),
        bills_wrong=(),
        switches=(Switch(1, 1000), Switch(2, 2000)),
    )


@pytest.fixture
def evidence(history, books) -> Evidence:
    """A drill in which all went well: something was broken at 2.5 s, nothing had to move."""
    return Evidence(
        run="drill",
        faults=(Fault(what="power off", hosts=("db1",), began_s=2.5, proof="gone"),),
        history=(*history, read(3), read(4)),
        samples=looks("db1", (0, "primary", 3), (5, "primary", 3)),
        wardens=looks("db1", (0, "primary", 3), (5, "primary", 3)),
        cpu_shares={},
        before=Standing(Totals(payments=0, journals=0, accounts=1, bills=0), timeline=3),
        books=books,
        rejoined_s=12.0,
    )
