"""What happened to the staff can be read, page by page, by whom it concerns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from falcon.testing import TestClient

from service.api.app import create_app
from service.domain.months import BUSINESS_TIME
from service.domain.sign_ins import StaffEvent
from tests.integration.sign_ins import IDENTITY, MovingClock, Person

FIRST, SECOND = "first of many words", "second of many words"
DAY = timedelta(days=1)
# Days of this year that no other test lives in.
BEGAN = datetime(2026, 9, 1, 9, 0, tzinfo=BUSINESS_TIME)


def code(result):
    return result.status_code, (result.json or {}).get("code")


@pytest.fixture
def moving():
    return MovingClock(BEGAN)


@pytest.fixture
def client(database, moving):
    app = create_app(
        database=database, identity=IDENTITY, clock=moving, deadline_s=20, host="a", version="1"
    )
    return TestClient(app)


@pytest.fixture
def administrator(token):
    return token("administrator", None, days=400)


@pytest.fixture
def read(client, token):
    """Read events: the answer to one request."""

    def asked(query="", *, role="auditor", bureau=None):
        headers = {"Authorization": f"Bearer {token(role, bureau, days=400)}"}
        return client.simulate_get(f"/v1/staff-events?{query}", headers=headers)

    return asked


@pytest.fixture
def clerk(client, administrator):
    return Person.added(client, administrator, role="hall_clerk", bureau=1, password=FIRST)


@pytest.fixture
def life(clerk, moving, administrator, client):
    """A clerk to whom something happens on each of five days."""
    for act in (
        lambda: clerk.sign_in("not what it is", address="10.4.3.2"),
        lambda: clerk.post(f"/v1/staff/{clerk.user_name}/locks", administrator),
        lambda: clerk.sign_in(FIRST, address="2001:db8::7"),
        lambda: clerk.post(f"/v1/staff/{clerk.user_name}/unlocks", administrator),
    ):
        moving.pass_(DAY)
        act()
    return clerk


def kinds(answered):
    return [item["kind"] for item in answered.json["items"]]


def test_what_happened_is_told_newest_first_with_who_did_it(life, read, caller):
    told = read(f"user_name={life.user_name}").json

    actor = caller("administrator", None).name
    common = {"user_name": life.user_name, "bureau": 1}
    assert told == {
        "items": [
            {"happened_at": moment, "kind": kind, "done_by": done_by, "address": address} | common
            for moment, kind, done_by, address in [
                ("2026-09-05T01:00:00Z", "unlocked", actor, None),
                ("2026-09-04T01:00:00Z", "sign_in_while_locked", None, "2001:db8::7"),
                ("2026-09-03T01:00:00Z", "locked", actor, None),
                ("2026-09-02T01:00:00Z", "sign_in_refused", None, "10.4.3.2"),
                ("2026-09-01T01:00:00Z", "added", actor, None),
            ]
        ],
        "next_cursor": None,
    }


@pytest.mark.parametrize(
    ("query", "role", "bureau"),
    [
        ("user_name={name}", "auditor", None),
        ("since=2026-09-01", "administrator", 1),
        ("since=2026-09-01", "auditor", None),
    ],
)
def test_the_pages_together_are_the_list(life, read, query, role, bureau):
    """Three events at the same moment included, with the border of two pages between them."""
    for _ in range(3):
        life.sign_in("not what it is")
    query = query.format(name=life.user_name)
    whole = read(f"{query}&limit=100", role=role, bureau=bureau).json["items"]
    found, cursor = [], ""
    while cursor is not None:
        page = read(f"{query}&limit=2{cursor}", role=role, bureau=bureau).json
        assert len(page["items"]) <= 2
        found += page["items"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"

    assert len(whole) >= 8
    assert found == whole


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("since=2026-09-03", ["unlocked", "sign_in_while_locked", "locked"]),
        ("since=2026-09-02&until=2026-09-04", ["locked", "sign_in_refused"]),
        ("until=2026-09-02", ["added"]),
        ("since=2026-09-04&until=2026-09-04", []),
        ("since=0001-01-01&until=0001-01-02", []),
        ("since=9999-12-31", []),
    ],
)
def test_a_period_is_of_business_dates_without_the_last(life, read, period, expected):
    assert kinds(read(f"user_name={life.user_name}&{period}")) == expected


def test_a_day_begins_at_midnight_in_beijing(clerk, read, moving):
    moving.now = datetime(2026, 9, 30, 15, 59, 59, tzinfo=UTC)
    clerk.sign_in("not what it is")
    moving.pass_(timedelta(seconds=1))
    clerk.sign_in(FIRST)

    assert kinds(read(f"user_name={clerk.user_name}&since=2026-10-01")) == ["signed_in"]


def test_a_page_never_leaves_its_period(life, read):
    cursor = read(f"user_name={life.user_name}&limit=1").json["next_cursor"]
    told = read(f"user_name={life.user_name}&until=2026-09-03&cursor={cursor}")

    assert kinds(told) == ["sign_in_refused", "added"]


def test_a_bureau_is_told_of_its_own_people(life, read):
    about = f"user_name={life.user_name}"

    assert len(kinds(read(about, role="administrator", bureau=1))) == 5
    assert code(read(about, role="administrator", bureau=2)) == (404, "STAFF_UNKNOWN")
    told = read("since=2026-09-01&limit=100", role="auditor", bureau=2).json["items"]
    assert life.user_name not in {item["user_name"] for item in told}


def test_a_name_that_nobody_has_is_told_without_it_to_who_sees_every_bureau(clerk, read):
    clerk.sign_in(FIRST, user_name="a mistyped secret", address="10.66.0.1")

    def told(bureau):
        items = read("since=2026-09-01&limit=100", bureau=bureau).json["items"]
        return [item for item in items if item["address"] == "10.66.0.1"]

    [item] = told(None)
    assert (item["kind"], item["user_name"], item["done_by"]) == ("sign_in_refused", None, None)
    assert told(1) == []


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("user_name=nobody.at.all", (404, "STAFF_UNKNOWN")),
        ("cursor=nonsense", (422, "CURSOR_BROKEN")),
        ("since=2026-13-01", (422, "PARAMETER_INVALID")),
        ("since=2026-09-01T00:00:00Z", (422, "PARAMETER_INVALID")),
        ("limit=0", (422, "PARAMETER_INVALID")),
        ("kind=locked", (422, "PARAMETER_INVALID")),
    ],
)
def test_what_cannot_be_asked_is_refused(read, query, refusal):
    assert code(read(query)) == refusal


def test_what_happened_stays_what_it_was_called(life, read):
    assert set(kinds(read(f"user_name={life.user_name}"))) <= set(StaffEvent)
