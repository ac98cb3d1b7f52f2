"""People and programs get their tokens, and lose them again."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from service.domain import tokens
from service.domain.bureaus import BureauUnknown
from service.domain.principals import PrincipalDiffers, PrincipalUnknown, RoleUnknown
from service.domain.tokens import TokenDaysOutOfRange
from service.usecases import principals

SECRETS = (f"secret-{n}" for n in itertools.count())


@pytest.fixture
def add(owner_database, deadline):
    def added(name="a clerk of tests", role="hall_clerk", bureau=1):
        return principals.add_principal(
            database=owner_database, name=name, role=role, bureau_id=bureau, deadline=deadline
        )

    return added


@pytest.fixture
def issue(owner_database, now, deadline):
    def issued(name, days=30):
        return principals.issue_token(
            database=owner_database,
            name=name,
            days=days,
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
