"""The fuzzer's judge notices what it is there for; its cases are the same for the same seed."""

from __future__ import annotations

import json
from random import Random

import pytest

from service.api.app import description
from tests.fuzz import mutations
from tests.fuzz.drafts import Case, Draft
from tests.fuzz.judgement import Judge
from tests.fuzz.runs import run
from tests.fuzz.servers import Answered, asked

DOCUMENT = description(version="1")
CASE = Case(1, "GET /v1/accounts", "GET", "/v1/accounts?name=x", (), b"")
PROBLEM = {
    "type": "/docs#ROLE_FORBIDDEN",
    "title": "Forbidden",
    "status": 403,
    "code": "ROLE_FORBIDDEN",
    "detail": "a reader may not",
    "hint": "Ask another.",
    "request_id": "1",
}
HEADERS = {"x-request-id": "1", "content-type": "application/problem+json"}


def refused(answered=403, headers=HEADERS, **changed):
    body = {name: value for name, value in (PROBLEM | changed).items() if value is not None}
    return Answered(answered, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    "answered",
    [
        Answered(200, {"x-request-id": "1", "content-type": "application/json"}, b"{}"),
        Answered(304, {"x-request-id": "1"}, b""),
        refused(),
    ],
    ids=str,
)
def test_what_is_promised_is_no_fault(answered):
    assert Judge(DOCUMENT).faults(CASE, answered) == []


@pytest.mark.parametrize(
    ("answered", "fault"),
    [
        (refused(500, status=500), "500: the service failed"),
        (refused(503, status=503), "503: the service failed"),
        (refused(418, status=418), "418 is not promised"),
        (Answered(201, {"x-request-id": "1"}, b""), "201 is not promised"),
        (refused(headers=HEADERS | {"content-type": "text/html"}), "403 with text/html"),
        (Answered(403, HEADERS, b"no"), "the problem cannot be read"),
        (refused(code=None), "the problem has no code"),
        (refused(status=404), "the problem says 404"),
        (refused(code="forbidden"), "the problem says 403 forbidden"),
        (refused(headers={"content-type": HEADERS["content-type"]}), "no x-request-id"),
        (refused(headers=HEADERS | {"location": "/\r\nset-cookie: a"}), "location cannot be sent"),
        (refused(headers=HEADERS | {"location": "/李"}), "location cannot be sent"),
    ],
    ids=str,
)
def test_what_is_not_promised_is_a_fault(answered, fault):
    assert any(fault in found for found in Judge(DOCUMENT).faults(CASE, answered))


def test_an_application_that_breaks_is_no_answer():
    def app(_environ, _start):
        raise LookupError("planted")

    answered = asked(app, CASE)
    assert "planted" in answered.crash
    assert Judge(DOCUMENT).faults(CASE, answered)


def test_a_run_counts_what_broke_with_the_case_that_broke_it():
    def app(environ, start):
        start("500 Oh", [("x-request-id", "1"), ("content-type", HEADERS["content-type"])])
        return [environ["PATH_INFO"].encode()]

    class Cases:
        def case(self, number):
            return Case(number, "GET /live", "GET", f"/live?{number}", (), b"")

    tally = run(app, Cases(), Judge(DOCUMENT), range(3))
    assert tally.cases == 3
    assert tally.faults["GET /live: 500"] == 3
    assert "GET /live?2" in tally.shown[-1]


def draft():
    return Draft(
        operation="POST /v1/payments",
        method="POST",
        segments=["v1", "payments"],
        query=[("limit", "2")],
        headers={"Authorization": "Bearer evergrid_abc", "Content-Type": "application/json"},
        body={"account_no": "1", "amount_fen": 5, "readings": [{"register": "1.5"}]},
    )


def changed(seed, changes=3):
    random, made = Random(seed), draft()
    for _ in range(changes):
        mutations.change(made, random)
    return made.case(seed, random)


def test_the_same_seed_makes_the_same_case():
    assert [changed(seed) for seed in range(200)] == [changed(seed) for seed in range(200)]


def test_no_change_makes_a_case_that_cannot_be_sent():
    for seed in range(3_000):
        case = changed(seed)
        assert case.target.isascii()
        for name, value in case.headers:
            assert value.encode("latin-1") is not None
            assert not set(value) & {"\0", "\r", "\n"}, name


def test_the_changes_reach_every_part_of_a_request():
    plain = draft().case(0, Random(0))
    cases = [changed(seed, changes=1) for seed in range(2_000)]
    for part in ("method", "target", "headers", "body"):
        assert any(getattr(case, part) != getattr(plain, part) for case in cases), part
    assert max(len(case.body) for case in cases) > 100_000
    assert any(b"[[[[" in case.body for case in cases)
