"""The pgbench script of a payment."""

from __future__ import annotations

import re
from datetime import date

import pytest

from failover_tests.bench.scripts import payment_script


def script(accounts=("1000000005",)):
    return payment_script(
        accounts=accounts, principal_id=7, amount_fen=500, business_date=date(2026, 4, 15)
    )


def test_it_sends_what_the_service_sends_inside_one_transaction():
    text = script()
    order = ["BEGIN;", "SET LOCAL", "pg_advisory_xact_lock", "FROM evergrid.idempotency_key"]
    order += [
        "FOR UPDATE",
        "nextval",
        "INSERT INTO evergrid.payment ",
        "INTO evergrid.ledger_entry",
    ]
    order += ["INSERT INTO evergrid.idempotency_key", "COMMIT;"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)


def test_no_parameter_is_left_open():
    assert "%(" not in script()


def evaluated(expression: str, n: int) -> int:
    """What pgbench makes of a tree of CASE for `:n`, as far as it goes."""
    while branch := re.match(r"CASE WHEN :n < (\d+) THEN ", expression):
        rest = expression[branch.end() :]
        depth, cut = 0, 0
        for word in re.finditer(r"CASE|ELSE|END", rest):
            if word[0] == "ELSE" and depth == 0:
                cut = word.start()
                break
            depth += {"CASE": 1, "END": -1}.get(word[0], 0)
        left, right = rest[: cut - 1], rest[cut + 5 : -4]
        expression = left if n < int(branch[1]) else right
    return int(expression)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 1000])
def test_every_account_is_chosen_by_its_place(count):
    accounts = [str(1_000_000_000 + place) for place in range(count)]
    line = next(
        line
        for line in script(accounts).splitlines()
        if "account_no CASE" in line or (count == 1 and "account_no 1" in line)
    )
    expression = line.removeprefix("\\set account_no ")
    assert [evaluated(expression, place) for place in range(count)] == [int(a) for a in accounts]
