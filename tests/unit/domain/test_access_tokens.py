"""Tokens that we sign ourselves."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from service.domain import access_tokens, tokens
from service.domain.access_tokens import LIFE, Keys
from service.domain.tokens import TokenExpired, TokenUnknown

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
OLD, NEW, OTHER = "o" * 32, "n" * 32, "x" * 32
SECOND = timedelta(seconds=1)


def signed(keys=None, *, now=NOW, ends_at=NOW + timedelta(hours=10)):
    token, _ = access_tokens.signed(
        session_id="5e55", now=now, ends_at=ends_at, keys=keys or Keys(NEW)
    )
    return token


def session_of(token, keys=None, *, now=NOW):
    return access_tokens.session_id(token, keys=keys or Keys(NEW), now=now)


def test_a_token_says_which_session_it_is_of():
    assert tokens.is_signed(signed())
    assert session_of(signed()) == "5e55"


def test_the_same_question_has_the_same_answer():
    assert signed() == signed()


@pytest.mark.parametrize("age", [LIFE, LIFE + SECOND])
def test_a_token_lives_for_minutes(age):
    assert session_of(signed(), now=NOW + LIFE - SECOND) == "5e55"
    with pytest.raises(TokenExpired):
        session_of(signed(), now=NOW + age)


def test_no_token_outlives_its_session():
    token = signed(ends_at=NOW + 3 * SECOND)
    with pytest.raises(TokenExpired):
        session_of(token, now=NOW + 3 * SECOND)


def test_keys_change_without_anybody_noticing():
    token = signed(Keys(OLD))
    assert session_of(token, Keys(NEW, OLD)) == "5e55"
    assert session_of(signed(Keys(NEW, OLD)), Keys(NEW)) == "5e55"  # the current one signs
    with pytest.raises(TokenUnknown):
        session_of(token, Keys(NEW))


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(kind):
    header, _, signature = signed().split(".")
    kid = jwt.get_unverified_header(signed())["kid"]
    read = {"iss": "evergrid", "sid": "0ther", "exp": int(NOW.timestamp()) + 60}
    return {
        "other claims": f"{header}.{part(read)}.{signature}",
        "no signature": f"{part({'alg': 'none', 'kid': kid})}.{part(read)}.",
        "another key under our key's name": jwt.encode(
            read, OTHER, algorithm="HS256", headers={"kid": kid}
        ),
        "another algorithm": jwt.encode(read, NEW + NEW, algorithm="HS512", headers={"kid": kid}),
        "no name of a key": jwt.encode(read, NEW, algorithm="HS256"),
        "another issuer": jwt.encode(
            read | {"iss": "elsewhere"}, NEW, algorithm="HS256", headers={"kid": kid}
        ),
        "no end": jwt.encode(
            {"iss": "evergrid", "sid": "0ther"}, NEW, algorithm="HS256", headers={"kid": kid}
        ),
        "nothing": "eyJ.e30.c2ln",
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "other claims",
        "no signature",
        "another key under our key's name",
        "another algorithm",
        "no name of a key",
        "another issuer",
        "no end",
        "nothing",
    ],
)
def test_what_we_did_not_sign_is_refused(kind):
    with pytest.raises(TokenUnknown):
        session_of(forged(kind))


def test_keys_show_nothing_of_themselves():
    assert NEW not in f"{Keys(NEW, OLD)!r} {Keys(NEW, OLD)}"
