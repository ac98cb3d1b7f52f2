"""Sections, routes, plans over HTTP: who reads which meter in which order, how far they are."""

from __future__ import annotations

import itertools
from datetime import timedelta

import psycopg2.errors
import pytest

from service.domain import account_numbers
from tests.integration import sections
from tests.integration.utilities import FEBRUARY, Utility

OFFICER, READER, HEAD = "billing_officer", "reader", "head_office"
MARCH, APRIL, MAY = FEBRUARY.next, FEBRUARY.plus(2), FEBRUARY.plus(3)
NAMES = itertools.count(1)
NOBODYS = account_numbers.account_no(999_999_999)


@pytest.fixture
def utility(migrated, database, worker_database, caller, once, now):
    return Utility(migrated.superuser, database, worker_database, caller, once, now)


@pytest.fixture
def homes(utility):
    return utility.open_accounts(5)


@pytest.fixture
def post(api, utility):
    """Ask as an officer of the bureau; the answer must have the status that is expected."""

    def posted(path, sent, status=201, *, role=OFFICER, key=None):
        bureau = None if role == HEAD else utility.bureau
        answer = api.post(path, role, bureau, json=sent, key=key)
        assert answer.status_code == status, answer.text
        return answer.json

    return posted


@pytest.fixture
def look(api, utility):
    def looked(path, status=200):
        answer = api.get(path, READER, utility.bureau)
        assert answer.status_code == status, answer.text
        return answer.json

    return looked


@pytest.fixture
def add(post, utility):
    def added(name=None):
        sent = {"bureau": utility.bureau, "name": name or f"East {next(NAMES)}"}
        return post("/v1/reading-sections", sent)["section_no"]

    return added


@pytest.fixture
def route(post):
    def routed(section_no, account_nos, status=201, *, since=APRIL, day=12):
        sent = {"from_month": str(since), "example_day": day, "account_nos": account_nos}
        return post(f"/v1/reading-sections/{section_no}/routes", sent, status)

    return routed


@pytest.fixture
def plan(post, utility):
    def planned(month=APRIL, status=201):
        return post("/v1/reading-plans", {"month": str(month), "bureau": utility.bureau}, status)

    return planned


@pytest.fixture
def planned(plan, look):
    """Plan a month; return its plans, the newest first."""

    def made(month=APRIL):
        plan(month)
        return look(f"/v1/reading-plans?month={month}")["items"]

    return made


def order(told):
    return [stop["account_no"] for stop in told["stops"]]


def test_a_route_keeps_its_order_until_the_next_one_begins(add, route, look, homes):
    section_no = add("North")
    first = route(section_no, homes[::-1])
    assert order(first) == homes[::-1]
    assert [stop["position"] for stop in first["stops"]] == [1, 2, 3, 4, 5]
    route(section_no, [homes[1], homes[0]], since=MAY, day=20)

    found = look(f"/v1/reading-sections/{section_no}?month=2026-04")
    assert order(found) == homes[::-1]
    assert found["section"] == {
        "section_no": section_no, "bureau": found["section"]["bureau"], "name": "North",
        "month": "2026-04", "from_month": "2026-04", "example_day": 12, "stops": 5,
    }  # fmt: skip
    later = look(f"/v1/reading-sections/{section_no}?month=2027-01")
    assert order(later) == [homes[1], homes[0]]
    assert (later["section"]["from_month"], later["section"]["example_day"]) == ("2026-05", 20)


def test_before_its_first_route_a_section_has_none(add, route, look, homes):
    section_no = add()
    route(section_no, homes)
    found = look(f"/v1/reading-sections/{section_no}?month=2026-03")
    assert found["stops"] == []
    assert (found["section"]["from_month"], found["section"]["stops"]) == (None, 0)


def test_sections_are_listed_with_their_stops_of_the_running_month(add, route, look, homes):
    numbers = [add() for _ in range(3)]
    route(numbers[1], homes[:2])
    first = look("/v1/reading-sections?limit=2")
    assert [each["section_no"] for each in first["items"]] == numbers[:2]
    assert [each["stops"] for each in first["items"]] == [0, 2]
    rest = look(f"/v1/reading-sections?limit=2&cursor={first['next_cursor']}")
    assert [each["section_no"] for each in rest["items"]] == numbers[2:]


def test_two_sections_of_a_bureau_have_two_names(add, post, utility):
    add("Canal")
    sent = {"bureau": utility.bureau, "name": "Canal"}
    assert post("/v1/reading-sections", sent, 409)["code"] == "READING_SECTION_NAME_TAKEN"


def test_a_route_replaces_nothing_that_is_recorded(add, route, homes):
    section_no = add()
    route(section_no, homes, since=APRIL)
    for since in (MARCH, APRIL):
        assert route(section_no, homes, 409, since=since)["code"] == "ROUTE_TOO_EARLY"
    route(section_no, [], since=MAY)


def test_a_route_changes_no_month_that_is_planned(add, route, plan, homes):
    section_no = add()
    route(section_no, homes)
    plan(MAY)
    assert route(section_no, homes[:1], 409, since=MAY)["code"] == "ROUTE_TOO_EARLY"
    route(section_no, homes[:1], since=MAY.next)


def test_every_stop_that_is_none_is_named(add, route, homes, migrated, utility):
    other, section_no = add(), add()
    route(other, homes[:1], since=MAY)
    told = route(section_no, [homes[1], homes[1], homes[0], NOBODYS, "nobody"], 422)
    assert told["code"] == "ROUTE_STOP_FAULTY"
    assert told["hint"]
    assert [(fault["path"], fault["detail"]) for fault in told["fields"]] == [
        ("account_nos[1]", "is named before"),
        ("account_nos[2]", f"is on the route of section {other}"),
        ("account_nos[3]", "is no account of the bureau"),
        ("account_nos[4]", "is no account of the bureau"),
    ]


def test_an_account_of_another_bureau_is_no_stop_even_for_the_head_office(
    add, post, migrated, database, worker_database, caller, once, now
):
    elsewhere = Utility(migrated.superuser, database, worker_database, caller, once, now)
    section_no = add()
    sent = {
        "from_month": "2026-04",
        "example_day": 1,
        "account_nos": elsewhere.open_accounts(),
    }
    path = f"/v1/reading-sections/{section_no}/routes"
    assert post(path, sent, 422, role=HEAD)["code"] == "ROUTE_STOP_FAULTY"


def test_an_account_moves_from_one_route_to_another(add, route, look, homes):
    one, other = add(), add()
    route(one, homes[:2])
    route(one, homes[:1], since=MAY)
    route(other, homes[1:3], since=MAY)
    assert order(look(f"/v1/reading-sections/{other}?month=2026-05")) == homes[1:3]
    assert order(look(f"/v1/reading-sections/{one}?month=2026-05")) == homes[:1]


def test_the_database_itself_keeps_an_account_on_one_route(add, route, homes, utility):
    one, other = add(), add()
    route(one, homes[:1])
    with pytest.raises(psycopg2.errors.ExclusionViolation, match="once_a_month"):
        utility.query(
            f"INSERT INTO evergrid.reading_stop SELECT {other}, bureau_id, account_id, 1, "
            "'[2026-05-01,2026-06-01)' FROM evergrid.account "
            f"WHERE account_no = '{homes[0]}'"
        )


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE evergrid.reading_stop SET position = 9",
        "UPDATE evergrid.reading_stop SET months = '[2026-03-01,2026-06-01)'",
        "UPDATE evergrid.reading_stop SET months = 'empty'",
        "DELETE FROM evergrid.reading_stop",
    ],
)
def test_a_stop_is_left_and_never_changed_otherwise(add, route, homes, utility, change):
    section_no = add()
    route(section_no, homes[:1])
    with pytest.raises(psycopg2.errors.RestrictViolation, match="only be left"):
        utility.query(f"{change} WHERE reading_section_id = {section_no}")


def test_a_stop_that_was_left_is_not_come_back_to(add, route, homes, utility):
    section_no = add()
    route(section_no, homes[:1])
    route(section_no, [], since=MAY)
    with pytest.raises(psycopg2.errors.RestrictViolation, match="only be left"):
        utility.query(
            "UPDATE evergrid.reading_stop SET months = '[2026-04-01,2026-07-01)' "
            f"WHERE reading_section_id = {section_no}"
        )


def test_a_month_is_planned_section_by_section_once(add, route, plan, look, homes):
    one, other, unrouted = add(), add(), add()
    route(one, homes[:2], day=3)
    route(other, homes[2:], day=28)
    assert plan() == {"month": "2026-04", "made": 2, "unrouted": 0}
    found = look("/v1/reading-plans")["items"]
    assert [(each["section_no"], each["due_on"]) for each in found] == [
        (other, "2026-04-28"),
        (one, "2026-04-03"),
    ]
    assert unrouted not in {each["section_no"] for each in found}
    assert plan() == {"month": "2026-04", "made": 0, "unrouted": 0}
    newest = look("/v1/reading-plans?limit=1")
    assert [each["section_no"] for each in newest["items"]] == [other]
    rest = look(f"/v1/reading-plans?limit=1&cursor={newest['next_cursor']}")
    assert [each["section_no"] for each in rest["items"]] == [one]
    assert rest["next_cursor"] is None
    assert look("/v1/reading-plans?month=2026-05")["items"] == []


def test_a_plan_shows_how_far_its_readings_have_come(add, route, planned, look, homes, utility):
    """The clock says the fifteenth of April."""
    section_no = add()
    route(section_no, homes[:3], day=13)
    [made] = planned()
    assert (made["state"], made["missing"]) == ("late", 3)
    utility.read(homes[:2], "120", month=APRIL, before_end=timedelta(days=17))
    utility.read([homes[4]], "120", month=APRIL, before_end=timedelta(days=17))  # on no route

    found = look(f"/v1/reading-plans/{made['plan_no']}")
    told = found["plan"]
    assert (told["stops"], told["measured"], told["estimated"], told["missing"]) == (3, 2, 0, 1)
    assert told["state"] == "late"
    assert [(stop["register"], stop["source"]) for stop in found["stops"]] == [
        ("120", "manual"), ("120", "manual"), (None, None),
    ]  # fmt: skip
    utility.read([homes[2]], "9", month=APRIL, before_end=timedelta(days=17))
    assert look(f"/v1/reading-plans/{made['plan_no']}")["plan"]["state"] == "done"


def test_whom_nobody_is_sent_to_is_counted(add, route, plan, homes, utility):
    route(add(), homes[:2])
    [later] = utility.open_accounts()
    utility.query(
        f"UPDATE evergrid.account SET opened_on = '2026-05-01' WHERE account_no = '{later}'"
    )
    assert plan()["unrouted"] == 3
    assert plan(MAY)["unrouted"] == 4


@pytest.mark.parametrize(("day", "state"), [(13, "late"), (14, "open"), (15, "open")])
def test_a_plan_is_late_a_day_after_its_own(add, route, planned, homes, day, state):
    """The clock says the fifteenth of April."""
    route(add(), homes[:1], day=day)
    assert [each["state"] for each in planned()] == [state]


def test_a_reading_of_another_month_is_not_the_plan_s(add, route, planned, homes, utility):
    route(add(), homes[:1])
    utility.read(homes[:1], "5", month=MARCH, before_end=timedelta(seconds=1))
    [made] = planned()
    assert made["missing"] == 1


def test_an_estimated_month_counts_as_estimated(add, route, planned, homes, utility, migrated):
    section_no = add()
    route(section_no, homes[:1], since=MARCH)
    utility.read(homes[:1], "5", month=MARCH)
    migrated.superuser(
        "INSERT INTO evergrid.reading (bureau_id, meter_id, read_at, register, rolled_over, "
        "source, principal_id, recorded_at) SELECT bureau_id, meter_id, '2026-04-02', 9, false, "
        "'estimate', (SELECT max(principal_id) FROM evergrid.principal), '2026-04-02' "
        "FROM evergrid.meter JOIN evergrid.account USING (bureau_id, account_id) "
        f"WHERE account_no = '{homes[0]}'"
    )
    [made] = planned()
    assert (made["measured"], made["estimated"], made["missing"]) == (0, 1, 0)


def test_a_reader_is_sent_and_sent_again_next_month(
    add, route, planned, post, homes, caller, utility
):
    route(add(), homes)
    [made] = planned()
    assert made["reader"] is None
    reader = caller(READER, utility.bureau).name
    path = f"/v1/reading-plans/{made['plan_no']}/assignments"
    assert post(path, {"reader": reader})["reader"] == reader
    [following] = planned(MAY)
    assert following["reader"] == reader


def test_whoever_is_locked_out_is_not_sent_again(
    add, route, planned, post, homes, caller, utility, migrated
):
    reader = caller(READER, utility.bureau)
    route(add(), homes)
    [made] = planned()
    post(f"/v1/reading-plans/{made['plan_no']}/assignments", {"reader": reader.name})
    migrated.superuser(
        "INSERT INTO evergrid.staff (principal_id, bureau_id, full_name, created_at, locked_at, "
        f"must_change_password) VALUES ({reader.principal_id}, {utility.bureau}, 'Li', "
        "'2026-04-01', '2026-04-02', false)"
    )
    try:
        [following] = planned(MAY)
    finally:
        migrated.superuser(f"DELETE FROM evergrid.staff WHERE principal_id = {reader.principal_id}")
    assert following["reader"] is None


@pytest.mark.parametrize("role", [OFFICER, "nobody"])
def test_nobody_is_sent_who_reads_no_meters_there(
    add, route, planned, post, homes, caller, role, utility
):
    route(add(), homes)
    [made] = planned()
    path = f"/v1/reading-plans/{made['plan_no']}/assignments"
    name = "nobody at all" if role == "nobody" else caller(role, utility.bureau).name
    assert post(path, {"reader": name}, 404)["code"] == "READER_UNKNOWN"
    other = caller(READER, 1).name
    assert post(path, {"reader": other}, 404)["code"] == "READER_UNKNOWN"


def test_nobody_is_sent_out_in_a_month_that_is_over(plan):
    assert plan(MARCH, 422)["code"] == "MONTH_OVER"
    plan(APRIL)


def test_a_slip_of_years_is_refused(add, plan, route):
    next_april = APRIL.plus(12)
    assert plan(next_april.next, 422)["code"] == "MONTH_TOO_FAR"
    assert route(add(), [], 422, since=next_april.next)["code"] == "MONTH_TOO_FAR"
    plan(next_april)
    route(add(), [], since=next_april)


@pytest.mark.parametrize("number", [0, 10**9, 2**63, 10**30])
def test_numbers_that_nothing_has_are_unknown(look, post, number):
    assert look(f"/v1/reading-sections/{number}", 404)["code"] == "READING_SECTION_UNKNOWN"
    assert look(f"/v1/reading-plans/{number}", 404)["code"] == "READING_PLAN_UNKNOWN"
    sent = {"from_month": "2026-04", "example_day": 1, "account_nos": []}
    path = f"/v1/reading-sections/{number}/routes"
    assert post(path, sent, 404)["code"] == "READING_SECTION_UNKNOWN"
    path = f"/v1/reading-plans/{number}/assignments"
    assert post(path, {"reader": "x"}, 404)["code"] == "READING_PLAN_UNKNOWN"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"example_day": 29}, "BODY_INVALID"),
        ({"example_day": 0}, "BODY_INVALID"),
        ({"from_month": "April"}, "MONTH_MALFORMED"),
        ({"account_nos": ["1000000005"] * 501}, "BODY_INVALID"),
    ],
)
def test_what_is_no_route_is_refused(add, post, changed, code):
    sent = {"from_month": "2026-04", "example_day": 1, "account_nos": []} | changed
    assert post(f"/v1/reading-sections/{add()}/routes", sent, 422)["code"] == code


def issue(utility, run):
    """Calculate a run, approve it, issue its bills."""
    utility.drain()
    utility.approve(run["bill_run_id"])
    utility.drain()


def test_runs_of_two_sections_do_not_wait_for_each_other(add, route, post, homes, utility):
    numbers = [add(), add()]
    for number, home in zip(numbers, homes[:2], strict=True):
        route(number, [home], since=FEBRUARY)
    utility.read(homes, "100")
    whole = {"month": "2026-02", "bureau": utility.bureau}
    first, second = (post("/v1/bill-runs", whole | {"section_no": no}, 202) for no in numbers)
    for sent in (whole, whole | {"section_no": numbers[0]}):
        assert post("/v1/bill-runs", sent, 409)["code"] == "BILL_RUN_UNFINISHED"

    issue(utility, second)

    assert set(utility.bill_counts()) == {homes[1]}
    assert utility.show(first["bill_run_id"]).state == "calculated"


def test_a_run_bills_one_section_alone_and_none_twice(add, route, post, homes, utility):
    section_no = add()
    route(section_no, [homes[4], homes[0]], since=FEBRUARY)
    utility.read(homes, "100")
    sent = {"month": "2026-02", "bureau": utility.bureau, "section_no": section_no}
    run = post("/v1/bill-runs", sent, 202)
    assert (run["section_no"], run["accounts"]) == (section_no, 2)
    issue(utility, run)
    assert set(utility.bill_counts()) == {homes[0], homes[4]}

    assert post("/v1/bill-runs", sent, 202)["accounts"] == 0
    rest = post("/v1/bill-runs", {"month": "2026-02", "bureau": utility.bureau}, 202)
    assert (rest["section_no"], rest["accounts"]) == (None, 3)
    issue(utility, rest)
    assert utility.bill_counts() == dict.fromkeys(homes, 1)
    assert not utility.contradictions()


def test_a_month_that_was_billed_by_its_route_keeps_it(add, route, post, homes, utility):
    section_no = add()
    route(section_no, homes[:1], since=FEBRUARY)
    sent = {"month": "2026-03", "bureau": utility.bureau, "section_no": section_no}
    post("/v1/bill-runs", sent, 202)
    assert route(section_no, homes[1:2], 409, since=MARCH)["code"] == "ROUTE_TOO_EARLY"
    route(section_no, homes[1:2], since=APRIL)


def test_a_route_may_be_changed_for_a_month_whose_run_was_rejected(
    add, route, post, homes, utility
):
    section_no = add()
    route(section_no, homes[:1], since=FEBRUARY)
    sent = {"month": "2026-03", "bureau": utility.bureau, "section_no": section_no}
    utility.read(homes, "100", month=MARCH)
    run = post("/v1/bill-runs", sent, 202)["bill_run_id"]
    post(f"/v1/bill-runs/{run}/rejections", {"reason": "The wrong route."}, 200)
    route(section_no, homes[1:2], since=MARCH)


def test_a_run_is_of_a_section_of_its_own_bureau(post, utility, migrated, caller):
    caller(HEAD, None)
    section_no = sections.add(migrated.superuser, 1, f"of the first {next(NAMES)}")
    for number in (section_no, 0, 2**70):
        sent = {"month": "2026-02", "bureau": utility.bureau, "section_no": number}
        refused = post("/v1/bill-runs", sent, 404, role=HEAD)
        assert refused["code"] == "READING_SECTION_UNKNOWN"
