"""People and programs get their tokens, and lose them again."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta

import pytest

from service.domain import tokens
from service.domain.bureaus import BureauUnknown
from service.domain.permissions import PermissionUnknown
from service.domain.principals import PrincipalDiffers, PrincipalUnknown, RoleUnknown
from service.domain.tokens import TokenDaysOutOfRange, TokenIdUnknown
from service.usecases import principals

SECRETS = (f"secret-{n:036}" for n in itertools.count())


@pytest.fixture
def add(owner_database, deadline):
    def added(name="a clerk of tests", role="hall_clerk", bureau=1):
        return principals.add_principal(
            database=owner_database, name=name, role=role, bureau_id=bureau, deadline=deadline
        )

    return added


@pytest.fixture
def issue(owner_database, now, deadline):
    def issued(name, days=30, operations=()):
        return principals.issue_token(
            database=owner_database,
            name=name,
            days=days,
            operations=operations,
            make_secret=lambda: next(SECRETS),
            now=now,
            deadline=deadline,
        )

    return issued


def test_adding_the_same_principal_again_changes_nothing(add):
    assert add("one and the same") == add("one and the same")


def test_a_name_belongs_to_one_role(add):
    add("ambitious")

    with pytest.raises(PrincipalDiffers):
        add("ambitious", role="auditor")


def test_a_role_must_exist(add):
    with pytest.raises(RoleUnknown):
        add("emperor", role="emperor")


def test_a_bureau_must_exist(add):
    with pytest.raises(BureauUnknown):
        add("nowhere", bureau=99)


@pytest.mark.parametrize("days", [0, tokens.DAYS_MAX + 1])
def test_a_token_lives_a_sensible_time(add, issue, days):
    add("long lived")

    with pytest.raises(TokenDaysOutOfRange):
        issue("long lived", days=days)


def test_nobody_unknown_gets_a_token(issue):
    with pytest.raises(PrincipalUnknown):
        issue("nobody")


def test_of_a_token_only_its_fingerprint_is_kept(add, issue, migrated):
    add("careful")
    token = issue("careful")

    rows = migrated.superuser("SELECT t::text FROM evergrid.api_token AS t")
    assert any(tokens.fingerprint(token).hex() in row[0] for row in rows)
    assert not any(token in row[0] or token.encode().hex() in row[0] for row in rows)


def test_revoking_takes_back_every_living_token(add, issue, owner_database, now, deadline):
    add("leaver")
    issue("leaver")
    issue("leaver")

    def revoked():
        return principals.revoke_tokens(
            database=owner_database,
            name="leaver",
            now=now + timedelta(hours=1),
            deadline=deadline,
        )

    assert (revoked(), revoked()) == (2, 0)


def test_a_token_is_limited_to_operations_of_its_role(add, issue):
    add("narrow")

    with pytest.raises(PermissionUnknown, match=r"bill_runs\.start"):
        issue("narrow", operations=["payments.take", "bill_runs.start"])


def test_a_limited_token_is_of_a_shape_that_the_version_before_refuses(add, issue):
    add("narrow")

    assert re.fullmatch("evergrid_[A-Za-z0-9_-]{43}", issue("narrow"))
    assert not re.fullmatch(
        "evergrid_[A-Za-z0-9_-]{43}", issue("narrow", operations=["payments.take"])
    )


@pytest.fixture
def tokens_of(owner_database, deadline):
    def found(name):
        return principals.tokens_of(database=owner_database, name=name, deadline=deadline)

    return found


def test_one_token_is_taken_back_and_the_others_live_on(
    add, issue, tokens_of, owner_database, now, deadline
):
    add("careless")
    kept, lost = issue("careless"), issue("careless", operations=["payments.read"])
    lost_id = tokens.token_id(tokens.fingerprint(lost))

    def revoke():
        principals.revoke_token(
            database=owner_database, name="careless", token_id=lost_id, now=now, deadline=deadline
        )

    revoke()

    found = {shown.token_id: shown for shown in tokens_of("careless")}
    assert (found[lost_id].revoked_at, found[lost_id].limited_to) == (now, {"payments.read"})
    assert found[tokens.token_id(tokens.fingerprint(kept))].revoked_at is None
    with pytest.raises(TokenIdUnknown):
        revoke()
