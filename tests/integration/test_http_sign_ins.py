"""People sign in, work, sign out; whoever only pretends to be them does not."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import secrets
import threading
from datetime import timedelta

import pytest
from falcon.testing import TestClient
from prometheus_client import REGISTRY, generate_latest

from service.api.app import create_app
from service.domain import lockouts
from service.usecases import hashing as hashing_module
from service.usecases.hashing import Hashing
from service.usecases.identity import Identity
from tests.conftest import NOW
from tests.integration.sign_ins import IDENTITY, KEYS, MovingClock, Person

FIRST, SECOND = "first of many words", "second of many words"
WRONG = "wrong horse battery staple"
ADDRESSES = (f"10.9.{n // 250}.{n % 250 + 1}" for n in itertools.count())


@pytest.fixture
def moving():
    return MovingClock(NOW)


@pytest.fixture
def client(database, moving, monkeypatch):
    """The API, which looks everybody up anew: what ended has ended at once."""
    monkeypatch.setattr("service.api.authentication.CACHE_S", 0.0)
    return TestClient(
        create_app(database=database, identity=IDENTITY, clock=moving, deadline_s=20, host="app1",
                   version="1")
    )  # fmt: skip


@pytest.fixture
def person(client, token):
    """Add people: `person()` is a hall clerk of bureau 1 who must change the password."""
    administrator = token("administrator", None)

    def added(role="hall_clerk", bureau=1, **more):
        return Person.added(client, administrator, role=role, bureau=bureau, password=FIRST, **more)

    return added


@pytest.fixture
def clerk(person):
    """A hall clerk of bureau 1 who has changed the password."""
    clerk = person()
    token = clerk.sign_in(FIRST).json["access_token"]
    assert clerk.change_password(token, FIRST, SECOND).status_code == 200
    return clerk


@pytest.fixture
def events(migrated):
    def found(user_name):
        return [
            kind
            for (kind,) in migrated.superuser(
                "SELECT kind FROM evergrid.staff_event "
                "JOIN evergrid.principal USING (principal_id) "
                f"WHERE name = '{user_name}' ORDER BY event_id"
            )
        ]

    return found


def code(result):
    return result.status_code, (result.json or {}).get("code")


def test_who_knows_the_password_calls_as_themselves(clerk):
    answered = clerk.sign_in(SECOND)

    assert answered.status_code == 201
    assert (answered.json["role"], answered.json["bureau"]) == ("hall_clerk", 1)
    assert clerk.prices(answered.json["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("user_name", "password"), [(None, WRONG), ("nobody.here", SECOND), (None, SECOND.upper())]
)
def test_who_does_not_know_it_is_told_nothing_more(clerk, user_name, password):
    refused = clerk.sign_in(password, user_name=user_name)

    assert code(refused) == (401, "SIGN_IN_REFUSED")
    assert refused.json["detail"] == "the user name, or what should prove it, is wrong"


def test_a_name_that_nobody_has_takes_a_hash_too(clerk, monkeypatch):
    hashed = []
    verify = IDENTITY.hashing._hasher.__class__.verify
    monkeypatch.setattr(
        "argon2.PasswordHasher.verify",
        lambda self, *given: hashed.append(given[0]) or verify(self, *given),
    )
    clerk.sign_in(WRONG)
    clerk.sign_in(WRONG, user_name="nobody.there")

    assert len(hashed) == 2
    assert [known.split("$")[3] for known in hashed] == ["m=64,t=1,p=1"] * 2


def test_a_password_that_is_changed_while_it_is_compared_signs_nobody_in(clerk, monkeypatch):
    token = clerk.sign_in(SECOND).json["access_token"]
    is_right, changing = IDENTITY.hashing.is_right, []

    def compared(self, password, known):
        if not changing:
            changing.append("now")
            assert clerk.change_password(token, SECOND, "third of many words").status_code == 200
        return is_right(password, known)

    monkeypatch.setattr(Hashing, "is_right", compared)
    assert code(clerk.sign_in(SECOND)) == (401, "SIGN_IN_REFUSED")


def test_a_repeated_sign_in_finds_its_session(clerk):
    first, again = (clerk.sign_in(SECOND, key="one-and-the-same") for _ in range(2))

    assert first.status_code == 201
    assert first.json == again.json


def test_a_key_alone_is_no_password(clerk):
    clerk.sign_in(SECOND, key="seen-by-somebody")

    assert code(clerk.sign_in(WRONG, key="seen-by-somebody")) == (401, "SIGN_IN_REFUSED")


def test_an_access_token_lives_for_minutes_and_is_renewed_while_somebody_works(clerk, moving):
    token = clerk.sign_in(SECOND).json["access_token"]
    moving.pass_(timedelta(minutes=9))
    renewed = clerk.post("/v1/sessions/current/renewals", token)
    moving.pass_(timedelta(minutes=2))

    assert code(clerk.prices(token)) == (401, "TOKEN_EXPIRED")
    assert renewed.status_code == 201
    assert clerk.prices(renewed.json["access_token"]).status_code == 200


def test_a_session_ends_with_the_shift_however_often_it_is_renewed(clerk, moving):
    token = clerk.sign_in(SECOND).json["access_token"]
    for _ in range(66):
        moving.pass_(timedelta(minutes=9))
        token = clerk.post("/v1/sessions/current/renewals", token).json["access_token"]
    moving.pass_(timedelta(minutes=6))

    refused = clerk.post("/v1/sessions/current/renewals", token)
    assert code(refused) == (401, "TOKEN_EXPIRED")


def test_who_signed_out_is_out(clerk, events):
    token, other = (clerk.sign_in(SECOND).json["access_token"] for _ in range(2))
    assert clerk.sign_out(token).status_code == 200

    assert code(clerk.prices(token)) == (401, "SESSION_OVER")
    assert clerk.prices(other).status_code == 200
    assert events(clerk.user_name)[-1] == "signed_out"


def test_a_session_that_ended_passes_no_longer_than_it_is_remembered(clerk, deadline, monkeypatch):
    monkeypatch.setattr("service.api.authentication.CACHE_S", 5.0)
    token = clerk.sign_in(SECOND).json["access_token"]
    assert clerk.prices(token).status_code == 200
    clerk.sign_out(token)
    assert clerk.prices(token).status_code == 200  # remembered
    monkeypatch.setattr("service.api.authentication.time.monotonic", lambda: deadline)

    assert code(clerk.prices(token)) == (401, "SESSION_OVER")


def test_the_key_of_a_session_that_is_over_begins_no_other(clerk):
    token = clerk.sign_in(SECOND, key="yesterday's").json["access_token"]
    clerk.sign_out(token)

    assert code(clerk.sign_in(SECOND, key="yesterday's")) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_programs_have_no_session(client, token):
    program = Person(client, "no person")
    for answered in (
        program.sign_out(token("channel")),
        program.post("/v1/sessions/current/renewals", token("channel")),
        program.change_password(token("channel"), FIRST, SECOND),
    ):
        assert code(answered) == (409, "SESSION_MISSING")


def test_a_given_password_must_be_changed_before_anything_else(person):
    fresh = person()
    signed_in = fresh.sign_in(FIRST)
    token = signed_in.json["access_token"]

    assert signed_in.json["must_change_password"] is True
    assert code(fresh.prices(token)) == (403, "TOKEN_LIMITED")
    assert fresh.change_password(token, FIRST, SECOND).status_code == 200
    assert fresh.prices(token).status_code == 200
    assert fresh.sign_in(SECOND).json["must_change_password"] is False


def test_whoever_has_changed_it_need_not_wait_until_that_is_noticed(person, monkeypatch):
    monkeypatch.setattr("service.api.authentication.CACHE_S", 60.0)
    fresh = person()
    token = fresh.sign_in(FIRST).json["access_token"]
    fresh.prices(token)
    fresh.change_password(token, FIRST, SECOND)

    assert fresh.prices(token).status_code == 200


def test_a_changed_password_ends_every_other_session(clerk):
    token, other = (clerk.sign_in(SECOND).json["access_token"] for _ in range(2))
    clerk.change_password(token, SECOND, "third of many words")

    assert clerk.prices(token).status_code == 200
    assert code(clerk.prices(other)) == (401, "SESSION_OVER")
    assert code(clerk.sign_in(SECOND)) == (401, "SIGN_IN_REFUSED")


def test_a_repeated_change_is_answered_as_the_first(clerk):
    token = clerk.sign_in(SECOND).json["access_token"]
    first, again = (
        clerk.change_password(token, SECOND, "third of many words", key="changed-once")
        for _ in range(2)
    )
    other = clerk.change_password(token, SECOND, "fourth of many words", key="changed-once")

    assert first.status_code == 200
    assert again.json == first.json
    assert code(other) == (409, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize(
    ("new", "refusal"),
    [
        (SECOND, (409, "PASSWORD_UNCHANGED")),
        ("short", (422, "PASSWORD_LENGTH_REFUSED")),
        ("aaaaaaaaaaaa", (422, "PASSWORD_GUESSABLE")),
    ],
)
def test_a_new_password_keeps_the_rules(clerk, new, refusal):
    token = clerk.sign_in(SECOND).json["access_token"]

    assert code(clerk.change_password(token, SECOND, new)) == refusal


def test_whoever_finds_an_open_session_cannot_guess_its_password(clerk, events):
    token = clerk.sign_in(SECOND).json["access_token"]
    answers = [code(clerk.change_password(token, WRONG, FIRST)) for _ in range(7)]

    assert answers[:6] == [(401, "SIGN_IN_REFUSED")] * 6
    assert answers[6] == (429, "SIGN_IN_DELAYED")
    assert "password_wrong" in events(clerk.user_name)


@pytest.mark.parametrize("is_known", [True, False])
def test_failing_in_one_name_makes_it_wait_longer_each_time(clerk, moving, is_known):
    user_name = clerk.user_name if is_known else f"nobody.{secrets.token_hex(4)}"

    def attempt(password=WRONG):
        return clerk.sign_in(password, user_name=user_name, address=next(ADDRESSES))

    for _ in range(lockouts.FREE_OF_USER + 1):
        assert code(attempt()) == (401, "SIGN_IN_REFUSED")
    delayed = attempt(SECOND)
    assert code(delayed) == (429, "SIGN_IN_DELAYED")
    assert delayed.headers["retry-after"] == "2"
    moving.pass_(timedelta(seconds=2))
    assert code(attempt()) == (401, "SIGN_IN_REFUSED")
    assert attempt(SECOND).headers["retry-after"] == "4"
    moving.pass_(timedelta(seconds=4))
    expected = 201 if is_known else 401
    assert attempt(SECOND).status_code == expected


def test_a_success_forgives_what_was_mistyped_before(clerk):
    for _ in range(3):
        for _ in range(lockouts.FREE_OF_USER - 1):
            clerk.sign_in(WRONG)
        assert clerk.sign_in(SECOND).status_code == 201


def test_failing_from_one_address_makes_it_wait_whatever_the_name(clerk, moving, monkeypatch):
    monkeypatch.setattr(lockouts, "FREE_OF_ADDRESS", 3)
    address = next(ADDRESSES)
    for n in range(4):
        clerk.sign_in(WRONG, user_name=f"nobody.{n}", address=address)

    assert code(clerk.sign_in(SECOND, address=address)) == (429, "SIGN_IN_DELAYED")
    assert clerk.sign_in(SECOND, address=next(ADDRESSES)).status_code == 201


def test_an_address_is_the_one_that_the_load_balancer_saw(clerk, monkeypatch):
    monkeypatch.setattr(lockouts, "FREE_OF_ADDRESS", 3)
    address = next(ADDRESSES)
    for n in range(4):
        clerk.sign_in(WRONG, user_name=f"nobody.{n}", address=f"1.2.3.{n}, {address}")

    assert code(clerk.sign_in(SECOND, address=f"4.4.4.4, {address}")) == (429, "SIGN_IN_DELAYED")


def test_guesses_at_the_same_moment_count_each(clerk):
    answers = []

    def guess():
        answers.append(clerk.sign_in(WRONG, address=next(ADDRESSES)).status_code)

    threads = [threading.Thread(target=guess) for _ in range(lockouts.FREE_OF_USER + 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(answers) == [401] * (lockouts.FREE_OF_USER + 1) + [429] * 4


def test_every_attempt_is_remembered(clerk, events, migrated):
    before = len(events(clerk.user_name))
    clerk.sign_in(SECOND)
    for _ in range(lockouts.FREE_OF_USER + 2):
        clerk.sign_in(WRONG, address="10.8.7.6")
    unknown = "select count(*) from evergrid.staff_event where principal_id is null"
    [(nobodys,)] = migrated.superuser(unknown)
    clerk.sign_in(WRONG, user_name="nobody.at.all")

    refused = ["sign_in_refused"] * (lockouts.FREE_OF_USER + 1)
    assert events(clerk.user_name)[before:] == ["signed_in", *refused, "sign_in_delayed"]
    assert migrated.superuser(unknown) == [(nobodys + 1,)]
    [(address,)] = migrated.superuser(
        "SELECT DISTINCT host(address) FROM evergrid.staff_event WHERE kind = 'sign_in_delayed' "
        f"AND principal_id = (SELECT principal_id FROM evergrid.principal "
        f"WHERE name = '{clerk.user_name}')"
    )
    assert address == "10.8.7.6"


def test_no_password_or_token_is_kept_or_logged(clerk, caplog, migrated):
    caplog.set_level(logging.DEBUG)
    mistyped = "typed into the wrong field"
    answers = [
        clerk.sign_in(SECOND),
        clerk.sign_in(WRONG),
        clerk.sign_in(SECOND, user_name=mistyped),
    ]
    token = answers[0].json["access_token"]
    answers += [
        clerk.change_password(token, SECOND, "third of many words"),
        clerk.change_password(token, WRONG, "third of many words!"),
        clerk.sign_in({"no": SECOND}),
    ]
    shown = caplog.text + "".join(answer.text for answer in answers[1:])
    kept = "".join(
        row
        for table in ("staff", "staff_password", "staff_session", "staff_event",
                      "sign_in_failure", "idempotency_key")
        for (row,) in migrated.superuser(f"SELECT t::text FROM evergrid.{table} AS t")
    )  # fmt: skip
    for secret in (SECOND, WRONG, mistyped, "third of many words", token, KEYS.current):
        assert secret not in shown
        assert secret not in kept
        assert secret.encode().hex() not in kept


def test_a_password_cannot_be_guessed_from_what_recognises_its_request(clerk, migrated):
    token = clerk.sign_in(SECOND).json["access_token"]
    sent = {"current_password": SECOND, "new_password": "third of many words"}
    body = json.dumps(sent).encode()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "recognised"}
    answered = clerk.client.simulate_post(
        "/v1/password-changes", headers=headers, body=body, content_type="application/json"
    )
    assert answered.status_code == 200

    guessed = hashlib.sha256(b"POST /v1/password-changes\n" + body).digest()
    [(kept,)] = migrated.superuser(
        "SELECT request_sha256 FROM evergrid.idempotency_key WHERE key = 'recognised'"
    )
    assert bytes(kept) != guessed


def test_every_attempt_is_counted_by_its_result_under_nobody_s_name(
    clerk, token, counted, monkeypatch
):
    access = clerk.sign_in(SECOND, key="counted").json["access_token"]
    clerk.sign_in(WRONG)
    clerk.change_password(access, WRONG, FIRST)
    clerk.change_password(access, SECOND, "third of many words")
    clerk.sign_in("third of many words", key="counted")
    for _ in range(lockouts.FREE_OF_USER + 2):
        clerk.sign_in(WRONG, user_name="nobody.counted", address=next(ADDRESSES))
    clerk.post(f"/v1/staff/{clerk.user_name}/locks", token("administrator", None))
    clerk.sign_in("third of many words")
    clerk.sign_in("third of many words", key="counted")
    monkeypatch.setattr(hashing_module, "_WAITING_MAX", 0)
    clerk.sign_in(WRONG)

    assert counted() == {
        ("password", "ok"): 2,
        ("password", "wrong"): 1 + lockouts.FREE_OF_USER + 1,
        ("password", "delayed"): 1,
        ("password", "locked"): 2,
        ("password", "away"): 1,
        ("password_change", "wrong"): 1,
        ("password_change", "ok"): 1,
    }
    assert clerk.user_name not in generate_latest(REGISTRY).decode()


def test_too_many_who_sign_in_at_once_are_asked_to_come_again(database, clock, monkeypatch):
    monkeypatch.setattr(hashing_module, "_WAITING_MAX", 0)
    identity = Identity(keys=KEYS, hashing=Hashing(memory_kib=64, passes=1))
    app = create_app(
        database=database, identity=identity, clock=clock, deadline_s=20, host="a", version="1"
    )
    answered = Person(TestClient(app), "anybody").sign_in(FIRST)

    assert code(answered) == (503, "SIGN_INS_CROWDED")


@pytest.mark.parametrize("kind", ["forged", "stale"])
def test_a_token_that_we_never_signed_is_refused(clerk, kind):
    header, claims, signature = clerk.sign_in(SECOND).json["access_token"].split(".")
    token = {
        "forged": f"{header}.{claims}.{signature[::-1]}",
        "stale": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl",
    }[kind]

    assert code(clerk.prices(token)) == (401, "TOKEN_UNKNOWN")
