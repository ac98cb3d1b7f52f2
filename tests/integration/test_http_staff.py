"""Administrators look after the staff of their bureau."""

from __future__ import annotations

from datetime import timedelta

import pytest
from falcon.testing import TestClient

from service.api.app import create_app
from service.domain import lockouts
from tests.conftest import NOW
from tests.integration.sign_ins import IDENTITY, NUMBERS, MovingClock, Person

FIRST = "first of many words"


def code(result):
    return result.status_code, (result.json or {}).get("code")


@pytest.fixture
def moving():
    return MovingClock(NOW)


@pytest.fixture
def client(database, moving, monkeypatch):
    monkeypatch.setattr("service.api.authentication.CACHE_S", 0.0)
    app = create_app(
        database=database, identity=IDENTITY, clock=moving, deadline_s=20, host="a", version="1"
    )
    return TestClient(app)


@pytest.fixture
def administrator(token):
    return token("administrator", None)


@pytest.fixture
def clerk(client, administrator):
    """A hall clerk of bureau 1, as added."""
    return Person.added(client, administrator, role="hall_clerk", bureau=1, password=FIRST)


@pytest.fixture
def manage(client):
    """Act on a person: `manage(clerk, "locks", token)`."""

    def done(person, what, token, **more):
        return person.post(f"/v1/staff/{person.user_name}/{what}", token, **more)

    return done


@pytest.fixture
def add(client):
    def added(token, **changed):
        fields = {
            "user_name": f"added.{next(NUMBERS)}", "full_name": "王芳", "role": "reader",
            "bureau": 1, "password": FIRST,
        }  # fmt: skip
        return Person(client, "").post("/v1/staff", token, json=fields | changed)

    return added


def test_a_person_is_locked_out_at_once_and_let_in_again(clerk, manage, administrator):
    token = clerk.sign_in(FIRST).json["access_token"]
    assert manage(clerk, "locks", administrator).json["locked_at"] is not None

    assert code(clerk.prices(token)) == (401, "SESSION_OVER")
    assert code(clerk.sign_in(FIRST)) == (403, "SIGN_IN_LOCKED")
    assert code(clerk.sign_in("not what it is")) == (401, "SIGN_IN_REFUSED")
    assert manage(clerk, "unlocks", administrator).json["locked_at"] is None
    assert clerk.sign_in(FIRST).status_code == 201
    assert code(clerk.prices(token)) == (401, "SESSION_OVER")


def test_an_administrator_lets_in_whom_failures_lock_out(clerk, manage, administrator):
    for _ in range(lockouts.FREE_OF_USER + 1):
        clerk.sign_in("not what it is")
    assert code(clerk.sign_in(FIRST)) == (429, "SIGN_IN_DELAYED")
    manage(clerk, "unlocks", administrator)

    assert clerk.sign_in(FIRST).status_code == 201


def test_a_password_that_was_reset_must_be_changed(clerk, manage, administrator):
    token = clerk.sign_in(FIRST).json["access_token"]
    clerk.change_password(token, FIRST, "second of many words")
    reset = manage(clerk, "password-resets", administrator, json={"password": FIRST})

    assert reset.json["must_change_password"] is True
    assert code(clerk.prices(token)) == (401, "SESSION_OVER")
    token = clerk.sign_in(FIRST).json["access_token"]
    assert code(clerk.prices(token)) == (403, "TOKEN_LIMITED")


def test_a_repeated_act_is_done_once(clerk, manage, administrator, moving):
    first = manage(clerk, "locks", administrator, key="locked-once")
    moving.pass_(timedelta(seconds=5))

    assert manage(clerk, "locks", administrator, key="locked-once").json == first.json


def test_a_name_belongs_to_one_person_or_program(add, administrator, clerk, caller):
    assert code(add(administrator, user_name=clerk.user_name)) == (409, "USER_NAME_TAKEN")


def test_an_issuer_speaks_of_one_person(add, administrator):
    subject = f"subject-{next(NUMBERS)}"
    assert add(administrator, oidc_subject=subject).status_code == 201
    assert code(add(administrator, oidc_subject=subject)) == (409, "USER_NAME_TAKEN")


@pytest.mark.parametrize("user_name", ["ab", "Li.Ming", "李明", "1abc", "a b c", "a" * 33])
def test_a_user_name_can_be_typed_on_every_keyboard(add, administrator, user_name):
    assert code(add(administrator, user_name=user_name)) == (422, "USER_NAME_REFUSED")


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"role": "emperor"}, (422, "ROLE_UNKNOWN")),
        ({"bureau": 99}, (404, "BUREAU_UNKNOWN")),
        ({"password": None}, (422, "PROOF_MISSING")),
        ({"password": "short"}, (422, "PASSWORD_LENGTH_REFUSED")),
        ({"password": "aaaaaaaaaaaa"}, (422, "PASSWORD_GUESSABLE")),
    ],
)
def test_who_cannot_be_is_not_added(add, administrator, changed, refusal):
    assert code(add(administrator, **changed)) == refusal


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({}, (201, None)),
        ({"bureau": 2}, (404, "BUREAU_UNKNOWN")),
        ({"bureau": None}, (404, "BUREAU_UNKNOWN")),
        ({"role": "administrator"}, (403, "APPOINTMENT_FORBIDDEN")),
    ],
)
def test_a_bureau_s_administrator_adds_its_staff_alone(add, token, changed, refusal):
    assert code(add(token("administrator", 1), **changed)) == refusal


@pytest.mark.parametrize("what", ["locks", "unlocks", "password-resets"])
def test_a_bureau_s_administrator_does_not_see_other_bureaus_staff(clerk, manage, token, what):
    body = {"password": FIRST} if what == "password-resets" else {}

    refused = manage(clerk, what, token("administrator", 2), json=body)
    assert code(refused) == (404, "STAFF_UNKNOWN")
    assert manage(clerk, what, token("administrator", 1), json=body).status_code == 200


def test_the_list_of_staff_ends_at_the_bureau(client, clerk, token):
    def names(bureau):
        found, path = [], "/v1/staff?limit=2"
        while path:
            headers = {"Authorization": f"Bearer {token('administrator', bureau)}"}
            page = client.simulate_get(path, headers=headers).json
            found += [item["user_name"] for item in page["items"]]
            cursor = page["next_cursor"]
            path = cursor and f"/v1/staff?limit=2&cursor={cursor}"
        return found

    assert clerk.user_name in names(1)
    assert clerk.user_name in names(None)
    assert clerk.user_name not in names(2)
    assert names(1) == sorted(set(names(1)))


@pytest.mark.parametrize("what", ["locks", "unlocks", "password-resets"])
def test_administrators_leave_their_own_account_to_others(client, administrator, manage, what):
    boss = Person.added(client, administrator, role="administrator", bureau=None, password=FIRST)
    token = boss.sign_in(FIRST).json["access_token"]
    assert boss.change_password(token, FIRST, "second of many words").status_code == 200
    body = {"password": FIRST} if what == "password-resets" else {}

    assert code(manage(boss, what, token, json=body)) == (403, "STAFF_OWN")


def test_what_administrators_do_is_remembered_with_who_did_it(
    clerk, manage, administrator, caller, migrated
):
    manage(clerk, "locks", administrator)
    manage(clerk, "unlocks", administrator)
    manage(clerk, "password-resets", administrator, json={"password": "third of many words"})

    rows = migrated.superuser(
        "SELECT kind, actor_id FROM evergrid.staff_event JOIN evergrid.principal "
        f"USING (principal_id) WHERE name = '{clerk.user_name}' ORDER BY event_id"
    )
    actor = caller("administrator", None).principal_id
    assert rows == [(kind, actor) for kind in ("added", "locked", "unlocked", "password_reset")]
