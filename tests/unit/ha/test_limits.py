"""The limits of the edge: generous to everybody shipped, the same words on both sides."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pytest
from gunicorn.config import Config

from ha import limits, problems
from ha.topology import RoleLimits, load
from service.api import authentication
from service.api import limits as described
from service.domain.principals import Caller, Role

SHIPPED = load()
# What a drill sends for hours, from one address with one token; what the benchmark may.
DRILL_PER_S, BENCHMARK_PER_S = 2_000, 6_000


def caller(role: str, name: str) -> Caller:
    return Caller(principal_id=7, name=name, role=role, bureau_id=None)


def quota_of(told: str, topology=SHIPPED) -> int:
    """Return what the edge allows whom the API told it of: the last budget that fits counts."""
    parts = told.split(";")
    return [b.quota for b in limits.budgets(topology) if parts[b.field - 1] == b.word][-1]


@pytest.mark.parametrize("role", Role)
def test_a_drill_of_2000_requests_a_second_passes_whatever_its_role(role):
    """Twice: after an outage a client may send all it has waiting once more."""
    assert quota_of(authentication.told(caller(role, "any"))) > DRILL_PER_S * 30
    assert limits.quotas(SHIPPED)["address"] > 2 * DRILL_PER_S * 30


@pytest.mark.parametrize("role", ["channel", "hall_clerk"])
def test_the_benchmark_is_not_refused(role):
    told = authentication.told(caller(role, f"demo {role}"))
    assert quota_of(told) > BENCHMARK_PER_S * 30


def test_a_bank_of_1000_payments_a_second_may_repeat_all_it_has_waiting():
    """Payments of the 30 s it waits, once more, within 30 s: twice its usual pace."""
    assert quota_of("1;channel;bank") >= 2 * 1_000 * limits.window_s(SHIPPED)


def test_a_stranger_may_send_a_hundredth_of_what_a_counter_may():
    assert limits.quotas(SHIPPED)["unproven"] * 100 <= quota_of("1;hall_clerk;hall")


def test_a_name_counts_more_than_its_role_however_it_is_written():
    topology = replace(SHIPPED, limits=replace(SHIPPED.limits, principals={"门户;1 ": 200}))
    told = authentication.told(caller("channel", "门户;1 "))
    assert told.isascii()
    assert " " not in told
    assert quota_of(told, topology) == 200 * 30


def test_what_the_edge_lets_pass_is_read_by_whoever_is_next():
    """Or gunicorn would refuse it with a page of its own; the edge adds four headers itself."""
    known = Config()
    longest = f"OPTIONS {'x' * limits.URI_MAX_BYTES} HTTP/1.1\r\n"
    assert len(longest) <= known.limit_request_line
    assert known.limit_request_fields >= limits.HEADERS_MAX + 4
    assert known.limit_request_field_size >= limits.HEADERS_MAX_BYTES


def test_every_role_of_the_service_has_a_limit():
    assert {field.name for field in fields(RoleLimits)} == set(Role)


def test_the_api_and_the_edge_speak_of_the_same():
    assert authentication.HEADER == limits.PRINCIPAL_HEADER
    assert {problem.code for problem in problems.TOO_MANY} == set(described.CODES)


def test_what_the_edge_says_of_limits_is_of_the_form_described():
    for problem in problems.TOO_MANY:
        said = re.sub(r"%\[[^]]+\]", "3", problem.headers)
        for name, header in described.HEADERS.items():
            (value,) = re.findall(f" hdr {name} '([^']+)'", said)
            assert re.fullmatch(header["schema"]["pattern"], value)
