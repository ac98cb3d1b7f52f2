"""Who may do what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.domain.permissions import (
    OPERATIONS,
    BureauRequired,
    CentralOnly,
    Reach,
    RoleForbidden,
    TokenLimited,
    check,
)
from service.domain.principals import Caller, Role


def a_caller(role, bureau=1):
    return Caller(principal_id=1, name="somebody", role=role, bureau_id=bureau)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("role", Role)
def test_the_table_alone_decides(role, operation):
    reach = OPERATIONS[operation].get(role)
    if reach in {Reach.OWN, Reach.ANY}:
        check(a_caller(role), operation)
        return
    with pytest.raises(CentralOnly if reach is Reach.CENTRAL else RoleForbidden):
        check(a_caller(role), operation)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("role", Role)
def test_who_works_in_one_bureau_does_nothing_for_all_of_them(role, operation):
    caller, reach = a_caller(role, None), OPERATIONS[operation].get(role)
    if reach in {Reach.ANY, Reach.CENTRAL}:
        check(caller, operation)
        return
    with pytest.raises(BureauRequired if reach is Reach.OWN else RoleForbidden):
        check(caller, operation)


def test_a_limited_token_does_what_it_names_and_no_more_than_its_role():
    limited = replace(a_caller("channel"), limited_to=frozenset({"prices.read", "staff.manage"}))

    check(limited, "prices.read")
    with pytest.raises(TokenLimited):
        check(limited, "payments.take")
    with pytest.raises(RoleForbidden):
        check(limited, "staff.manage")


@pytest.mark.parametrize(
    ("role", "operation"),
    [
        ("hall_clerk", "accounts.import"),
        ("auditor", "payments.take"),
        ("head_office", "payments.take"),
        ("channel", "bill_runs.start"),
        ("data_migrator", "bills.read"),
        ("reader", "payments.read"),
        ("channel", "readings.post"),
    ],
)
def test_duties_are_separate(role, operation):
    with pytest.raises(RoleForbidden):
        check(a_caller(role), operation)


def test_a_role_that_does_not_exist_may_do_nothing():
    with pytest.raises(RoleForbidden):
        check(a_caller("king"), "accounts.read")


@pytest.mark.parametrize(("bureau", "scope"), [(1, "1"), (99, "99"), (None, "*")])
def test_a_caller_sees_its_bureau_or_all_of_them(bureau, scope):
    assert a_caller("auditor", bureau).scope == scope
