"""Prices over HTTP, from the draft to the bills that they price; nobody can skip a step."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
import time
from contextlib import closing
from datetime import date, timedelta
from types import SimpleNamespace

import psycopg2
import pytest

from service.domain.months import Month
from service.store import queries
from service.usecases.principals import issue_token
from tests.conftest import NOW
from tests.integration.proposals import UNCHANGED
from tests.integration.utilities import FEBRUARY, MARCH, Utility

PATH = "/v1/price-proposals"
OCTOBER = Month(2026, 10)
NAMES = itertools.count(1)
DRAFT = {
    "category": "residential",
    "legal_document": "Price order 12",
    "valid_from": "2026-11-01",
    "prices": [
        {"component": "energy", "price_yuan": "0.58", "tier": 1},
        {"component": "energy", "price_yuan": "0.63", "tier": 2},
        {"component": "energy", "price_yuan": "0.88", "tier": 3},
        {"component": "service", "price_yuan": "1.5", "unit": "month"},
    ],
    "tiers": {"basis": "month", "limits_kwh": [170, 260], "extension_kwh": 100},
    "free_kwh": 15,
}
ALL_DAYS = ["work", "rest", "holiday"]
TOU = {
    "tiers": None,
    "prices": [
        {"component": "energy", "price_yuan": "0.568", "period": "peak"},
        {"component": "energy", "price_yuan": "0.538", "period": "flat"},
        {"component": "energy", "price_yuan": "0.288", "period": "valley"},
    ],
    "calendar": {
        "seasons": [
            {
                "first": "01-01",
                "last": "12-31",
                "plans": [
                    {
                        "types": ALL_DAYS,
                        "stretches": [
                            {"starts": "00:00", "ends": "08:00", "period": "valley"},
                            {"starts": "08:00", "ends": "22:00", "period": "peak"},
                            {"starts": "22:00", "ends": "24:00", "period": "valley"},
                        ],
                    }
                ],
            }
        ]
    },
}
# Whatever a test has published is taken away: the price lists are those of every test.
FORGET = """
SET LOCAL session_replication_role = replica;
DELETE FROM evergrid.price_proposal_event WHERE step = 'published';
DELETE FROM evergrid.price_item WHERE catalogue_version_id > {newest};
DELETE FROM evergrid.catalogue_version WHERE catalogue_version_id > {newest}
"""


@pytest.fixture(autouse=True)
def price_lists(migrated):
    newest = migrated.superuser("SELECT max(catalogue_version_id) FROM evergrid.catalogue_version")
    yield
    migrated.superuser(FORGET.format(newest=newest[0][0]))


@pytest.fixture
def people(migrated, owner_database):
    """Make somebody of the head office, with a token: `people("billing_officer")`."""

    def made(role="head_office"):
        name = f"{role} number {next(NAMES)}"
        migrated.superuser(
            f"INSERT INTO evergrid.principal (name, role) VALUES ('{name}', '{role}')"
        )
        token = issue_token(
            database=owner_database,
            name=name,
            days=1,
            make_secret=lambda: secrets.token_urlsafe(32),
            now=NOW,
            deadline=time.monotonic() + 20,
        )
        return SimpleNamespace(name=name, token=token)

    return made


@pytest.fixture
def post(client):
    """Act as somebody; the answer must have the status that is expected."""

    def posted(who, path, body=None, *, status=200):
        answer = client.simulate_post(
            path,
            json=body or {},
            headers={
                "Authorization": f"Bearer {who.token}",
                "Idempotency-Key": secrets.token_hex(8),
            },
        )
        assert answer.status_code == status, answer.text
        return answer.json

    return posted


@pytest.fixture
def drafted(post, people):
    """A draft, with who made it."""
    drafter = people()
    draft = post(drafter, PATH, DRAFT, status=201)
    return SimpleNamespace(
        by=drafter, no=draft["proposal_no"], path=f"{PATH}/{draft['proposal_no']}"
    )


@pytest.fixture
def billed(migrated, database, worker_database, caller, once, now):
    """A bureau whose February is billed: two homes."""
    utility = Utility(migrated.superuser, database, worker_database, caller, once, now)
    homes = utility.open_accounts(2)
    utility.read(homes, "310")
    utility.bill(FEBRUARY)
    return utility


def test_prices_go_from_a_draft_through_every_step_to_the_bills(
    post, people, drafted, billed, client, migrated
):
    tester, director = people("billing_officer"), people()

    tested = post(tester, f"{drafted.path}/tests")["events"][-1]["test"]
    assert tested["bills"] >= 1  # of the newest month in which any test has billed homes
    assert tested["refused"] == 0
    assert tested["largest_rise"]["after_fen"] > tested["largest_rise"]["before_fen"]
    post(director, f"{drafted.path}/approvals")
    published = post(drafted.by, f"{drafted.path}/publications")

    assert published["state"] == "published"
    assert [(event["step"], event["done_by"]) for event in published["events"]] == [
        ("drafted", drafted.by.name),
        ("tested", tester.name),
        ("approved", director.name),
        ("published", drafted.by.name),
    ]
    headers = {"Authorization": f"Bearer {drafted.by.token}"}
    found = client.simulate_get("/v1/prices?on=2026-11-01", headers=headers).json["items"]
    [homes] = [each for each in found if each["category"] == "residential"]
    assert (homes["legal_document"], homes["tiers"], homes["free_kwh"]) == (
        "Price order 12", "month", 15,
    )  # fmt: skip
    assert [(each["price_yuan"], each["upto_kwh"], each["unit"]) for each in homes["prices"]] == [
        ("0.58", 170, "kWh"),
        ("0.63", 260, "kWh"),
        ("0.88", None, "kWh"),
        ("1.5", None, "month"),
    ]
    before = client.simulate_get("/v1/prices?on=2026-10-31", headers=headers).json["items"]
    assert "Price order 12" not in {each["legal_document"] for each in before}


def test_prices_of_periods_are_published_with_the_hours_of_these(post, people, client):
    drafter = people()
    draft = post(drafter, PATH, DRAFT | TOU, status=201)
    path = f"{PATH}/{draft['proposal_no']}"
    post(people("billing_officer"), f"{path}/tests")
    post(people(), f"{path}/approvals")
    post(drafter, f"{path}/publications")

    headers = {"Authorization": f"Bearer {drafter.token}"}
    found = client.simulate_get("/v1/prices?on=2026-11-01", headers=headers).json["items"]
    calendars = {each["category"]: each["calendar"] for each in found}
    assert calendars.items() >= {"residential": TOU["calendar"], "commercial": None}.items()


def calendar_of(**changed):
    """Return the calendar with its one season changed."""
    [season] = TOU["calendar"]["seasons"]
    return {"calendar": {"seasons": [season | changed]}}


def plan_of(*stretches):
    names = ("starts", "ends", "period")
    stretches = [dict(zip(names, each.split(), strict=True)) for each in stretches]
    return calendar_of(plans=[{"types": ALL_DAYS, "stretches": stretches}])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"calendar": None}, "CALENDAR_MISSING"),
        (calendar_of(last="11-30"), "CALENDAR_HOLE"),
        (calendar_of(last="02-31"), "CALENDAR_MALFORMED"),
        (plan_of("00:00 08:00 valley", "08:15 24:00 peak"), "CALENDAR_HOLE"),
        (plan_of("00:00 08:00 valley", "07:45 24:00 peak"), "CALENDAR_OVERLAP"),
        (plan_of("22:00 08:00 valley", "08:00 22:00 peak"), "CALENDAR_MALFORMED"),
        (plan_of("00:00 24:00 valley"), "PERIOD_NOT_IN_CALENDAR"),
        (plan_of("00:00 08:00 valley", "08:00 20:00 peak", "20:00 24:00 sharp"), "PERIOD_UNPRICED"),
        (plan_of("00:00 08:10 valley", "08:10 24:00 peak"), "BODY_INVALID"),
        ({"prices": DRAFT["prices"][:1], "tiers": DRAFT["tiers"]}, "TIER_UNPRICED"),
        ({"prices": [{"component": "energy", "price_yuan": "0.5"}]}, "PERIOD_UNPRICED"),
    ],
)
def test_periods_that_are_not_sure_when_they_are_are_refused(post, people, changed, code):
    assert post(people(), PATH, DRAFT | TOU | changed, status=422)["code"] == code


def test_a_test_re_rates_what_was_billed_to_the_fen(post, people, drafted, billed, migrated):
    post(people(), f"{drafted.path}/tests")

    [[test]] = migrated.superuser(
        f"SELECT test FROM evergrid.price_proposal_event "
        f"WHERE price_proposal_id = {drafted.no} AND step = 'tested'"
    )
    [[month, bills, fen]] = migrated.superuser(
        "SELECT month, count(*), sum(bill.amount_fen) FROM evergrid.bill "
        "JOIN evergrid.receivable USING (bureau_id, account_id, month, serial) "
        "JOIN evergrid.account USING (bureau_id, account_id) "
        "WHERE category = 'residential' AND is_in_force GROUP BY month ORDER BY month DESC LIMIT 1"
    )
    assert test["month"] == f"{month:%Y-%m}", "the newest that is billed"
    assert (test["bills"], test["before_fen"]) == (min(bills, 2000), fen)


def test_a_month_that_began_with_others_bills_does_not_test_a_category(
    post, people, drafted, billed, migrated
):
    billed.now = OCTOBER.ends_at + timedelta(days=3)
    shops = billed.open_accounts(category="commercial", month=OCTOBER)
    billed.read(shops, "310", month=OCTOBER)
    assert billed.bill(OCTOBER).billed == 1, "the newest billed month of all"

    tested = post(people(), f"{drafted.path}/tests")["events"][-1]["test"]

    assert tested["month"] < str(OCTOBER)
    assert tested["bills"] >= 1


@pytest.mark.parametrize(
    ("step", "code", "status"),
    [
        ("approvals", "STEP_OUT_OF_ORDER", 409),
        ("publications", "STEP_OUT_OF_ORDER", 409),
    ],
)
def test_nobody_can_skip_a_step(post, people, drafted, step, code, status):
    assert post(people(), f"{drafted.path}/{step}", status=status)["code"] == code


def test_whoever_drafted_can_neither_test_nor_approve(post, people, drafted):
    assert post(drafted.by, f"{drafted.path}/tests", status=403)["code"] == "SAME_HAND"
    post(people(), f"{drafted.path}/tests")
    assert post(drafted.by, f"{drafted.path}/approvals", status=403)["code"] == "SAME_HAND"


def test_no_bureau_has_a_hand_in_prices(api, drafted):
    answer = api.post(PATH, "head_office", 1, json=DRAFT)
    assert (answer.status_code, answer.json["code"]) == (403, "CENTRAL_ONLY")
    answer = api.post(f"{drafted.path}/tests", "billing_officer", 1, json={})
    assert (answer.status_code, answer.json["code"]) == (403, "CENTRAL_ONLY")
    assert api.get(drafted.path, "billing_officer", 1).json["state"] == "drafted"


def test_what_was_rejected_goes_no_further(post, people, drafted):
    rejected = post(drafted.by, f"{drafted.path}/rejections", {"reason": "withdrawn"})
    assert rejected["events"][-1]["reason"] == "withdrawn"
    assert post(people(), f"{drafted.path}/tests", status=409)["code"] == "STEP_OUT_OF_ORDER"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"valid_from": "2026-02-15"}, "VALIDITY_BILLED"),
        ({"category": "moonlight"}, "CATEGORY_UNKNOWN"),
        (
            {"prices": [{"component": "service", "price_yuan": "1"}], "tiers": None},
            "ENERGY_UNPRICED",
        ),
        ({"tiers": {"basis": "month", "limits_kwh": [260, 170]}}, "TIERS_NOT_RISING"),
        ({"tiers": None}, "TIER_UNPRICED"),
        ({"prices": [*DRAFT["prices"], DRAFT["prices"][3]]}, "PRICE_TWICE"),
        (
            {"prices": [*DRAFT["prices"], {"component": "x", "price_yuan": "1", "is_levy": True}]},
            "LEVY_UNKNOWN",
        ),
    ],
)
def test_a_draft_that_could_not_be_published_is_refused(post, people, billed, changed, code):
    status = 409 if code == "VALIDITY_BILLED" else 422
    assert post(people(), PATH, DRAFT | changed, status=status)["code"] == code


def test_of_two_drafts_for_one_day_one_is_published(post, people, drafted):
    rival = post(people(), PATH, DRAFT, status=201)["proposal_no"]
    for proposal in (drafted.no, rival):
        post(people(), f"{PATH}/{proposal}/tests")
        post(people(), f"{PATH}/{proposal}/approvals")
    post(people(), f"{drafted.path}/publications")

    told = post(people(), f"{PATH}/{rival}/publications", status=409)

    assert told["code"] == "VALIDITY_TAKEN"
    assert post(people(), PATH, DRAFT, status=409)["code"] == "VALIDITY_TAKEN"


@pytest.mark.parametrize("proposal_no", [0, 2**31 - 1, 2**31, 2**64])
def test_a_proposal_that_nobody_made_is_unknown(post, people, client, proposal_no):
    somebody = people()
    told = post(somebody, f"{PATH}/{proposal_no}/tests", status=404)
    assert told["code"] == "PRICE_PROPOSAL_UNKNOWN"
    headers = {"Authorization": f"Bearer {somebody.token}"}
    assert client.simulate_get(f"{PATH}/{proposal_no}", headers=headers).status_code == 404


@pytest.fixture
def transaction(migrated):
    """A transaction of the API's role beside those of a test."""
    connection = psycopg2.connect(migrated.dsn("evergrid_api"))
    connection.set_session(readonly=False)
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


def test_no_bill_run_starts_while_prices_are_published(transaction, billed):
    """Or its bills could have been made before the list that prices them is there."""
    transaction.execute("SELECT pg_advisory_xact_lock(hashtextextended('prices', 0))")
    started = threading.Event()

    def start():
        billed.start(MARCH)
        started.set()

    thread = threading.Thread(target=start)
    thread.start()
    assert not started.wait(0.5)
    transaction.connection.rollback()
    assert started.wait(20)
    thread.join()
    billed.drain()


def test_prices_are_not_published_while_a_bill_run_starts(transaction, post, people, drafted):
    post(people(), f"{drafted.path}/tests")
    post(people(), f"{drafted.path}/approvals")
    transaction.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended('prices', 0))")
    published = threading.Event()

    def publish():
        post(drafted.by, f"{drafted.path}/publications")
        published.set()

    thread = threading.Thread(target=publish)
    thread.start()
    assert not published.wait(0.5)
    transaction.connection.rollback()
    assert published.wait(20)
    thread.join()


def test_the_list_goes_from_the_newest_back(post, people, client):
    somebody = people("auditor")
    made = [post(people(), PATH, DRAFT, status=201)["proposal_no"] for _ in range(3)]
    headers = {"Authorization": f"Bearer {somebody.token}"}

    first = client.simulate_get(f"{PATH}?limit=2", headers=headers).json
    rest = client.simulate_get(
        f"{PATH}?limit=1&cursor={first['next_cursor']}", headers=headers
    ).json

    found = [item["proposal_no"] for item in (*first["items"], *rest["items"])]
    assert found == made[::-1]
    assert first["items"][0]["state"] == "drafted"


@pytest.mark.parametrize(
    ("steps", "is_fine"),
    [
        ("", False),
        ("(2, 'tested', {other}, '{test}')", False),
        ("(2, 'approved', {other}, NULL)", False),
        ("(2, 'tested', {other}, '{test}'), (3, 'approved', {drafter}, NULL)", False),
        ("(2, 'tested', {drafter}, '{test}'), (3, 'approved', {other}, NULL)", True),
    ],
)
def test_the_database_publishes_nothing_that_another_hand_did_not_approve(
    migrated, transaction, drafted, steps, is_fine
):
    """Whatever the program would ask for."""
    [(drafter,)] = migrated.superuser(
        f"SELECT principal_id FROM evergrid.price_proposal_event "
        f"WHERE price_proposal_id = {drafted.no}"
    )
    if steps:  # undone with the transaction: no program leaves a proposal like these
        transaction.execute(
            "INSERT INTO evergrid.price_proposal_event "
            "(price_proposal_id, position, step, principal_id, happened_at, test) "
            f"SELECT {drafted.no}, position, step, hand, now(), test::jsonb FROM (VALUES "
            + steps.format(drafter=drafter, other=1, test=json.dumps(UNCHANGED))
            + ") AS taken (position, step, hand, test)"
        )
    asked = f"SELECT evergrid.publish_prices({drafted.no}, {drafter}, now())"
    if is_fine:
        transaction.execute(asked)
    else:
        with pytest.raises(psycopg2.errors.RestrictViolation):
            transaction.execute(asked)


def test_the_api_s_role_writes_no_price_list_by_itself(transaction):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        transaction.execute(
            "INSERT INTO evergrid.catalogue_version "
            "(category, legal_document, valid_from, published_at) "
            "VALUES ('residential', 'by hand', '2030-01-01', now())"
        )


def test_a_run_that_was_rejected_holds_no_prices_up(migrated):
    newest = queries.load("price_proposals")["newest_run_month"]
    decided = "INSERT INTO evergrid.bill_run_decision SELECT max(bill_run_id), 1, 'rejected', "
    with closing(psycopg2.connect(migrated.dsn("postgres"))) as connection:  # and never commits
        cursor = connection.cursor()
        cursor.execute(
            "INSERT INTO evergrid.bill_run (bureau_id, month, principal_id, requested_at) "
            "SELECT 1, '2099-01-01', max(principal_id), now() FROM evergrid.principal"
        )
        cursor.execute(f"{newest.prepare}; {newest.execute}")
        assert cursor.fetchone() == (date(2099, 1, 1),)
        cursor.execute(
            f"{decided} max(principal_id), now(), 'The wrong month.' FROM evergrid.bill_run"
        )
        cursor.execute(newest.execute)
        assert cursor.fetchone() != (date(2099, 1, 1),)
