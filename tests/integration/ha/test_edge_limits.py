"""What the edge counts, whom it refuses, what it never holds against anybody."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import fields, replace
from pathlib import Path

import pytest

from ha.identity import Identity
from ha.limits import window_s
from ha.topology import RoleLimits, Topology, load

sys.path.insert(0, str(Path(__file__).parent))
from edges import Edge, Seen, problem, running, serving, until  # tests are no package

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="no HAProxy installed")

# One request a second of every kind, so that a budget is used up in a moment.
ROLES = RoleLimits(**{field.name: 1 for field in fields(RoleLimits)})
LIMITS = replace(load().limits, unproven=1, roles=ROLES, address=2, principals={"门户 1": 2})
QUOTA = window_s(load())
# Three principals; the first has two tokens.
BANK, BANK_NEW, HALL, PORTAL, FITTER = (f"Bearer evergrid_{name * 43}" for name in "abhpf")
KNOWN = {
    BANK: "7;channel;bank",
    BANK_NEW: "7;channel;bank",
    HALL: "8;hall_clerk;hall",
    PORTAL: "9;channel;%E9%97%A8%E6%88%B7%201",
    FITTER: "10;fitter;fitter",
}
GUESS = "Bearer evergrid_" + "x" * 43


def limited(**changed: object) -> Topology:
    return replace(load(), limits=replace(LIMITS, **changed))


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    with running(tmp_path, limited()) as (topology, _), serving(topology, tmp_path) as found:
        found.seen.principals |= KNOWN
        yield found


@pytest.fixture
def ask(edge: Edge) -> Callable[..., tuple[int, dict[str, str], bytes]]:
    return lambda token="", path="/v1/accounts/1", **headers: edge.ask(
        "GET", path, **({"Authorization": token} if token else {}), **headers
    )


def left(answer: tuple[int, dict[str, str], bytes]) -> int:
    """Return how many more requests an answer says that there may be."""
    return int(re.search(r";r=(\d+);", answer[1]["ratelimit"])[1])


def used_up(ask: Callable[..., tuple[int, dict[str, str], bytes]], token: str) -> None:
    """Send all that a principal may; the first request is how the edge learns who it is."""
    assert [ask(token)[0] for _ in range(QUOTA + 1)] == [200] * (QUOTA + 1)


def test_a_principal_is_refused_what_its_role_may_not_whatever_token_it_shows(ask):
    used_up(ask, BANK)
    ask(BANK_NEW)
    refused = ask(BANK_NEW)
    assert problem(refused) == (429, "PRINCIPAL_LIMIT_REACHED")
    assert problem(ask(BANK)) == (429, "PRINCIPAL_LIMIT_REACHED")
    assert refused[1]["ratelimit-policy"] == f'"principal";q={QUOTA};w=30'
    wait_s = int(refused[1]["retry-after"])
    assert wait_s in {1, 2, 3}
    assert refused[1]["ratelimit"] == f'"principal";r=0;t={wait_s}'


def test_a_principal_does_not_pay_for_another_behind_the_same_address(ask):
    ask(HALL)
    used_up(ask, BANK)
    assert problem(ask(BANK)) == (429, "PRINCIPAL_LIMIT_REACHED")
    assert ask(HALL)[0] == 200


def test_a_principal_that_is_named_has_a_limit_of_its_own(ask):
    assert ask(PORTAL)[1]["ratelimit-policy"] == f'"principal";q={2 * QUOTA};w=30'


def test_a_role_that_the_edge_has_no_limit_for_yet_is_not_refused(ask):
    """The API may be a release ahead."""
    answers = [ask(FITTER) for _ in range(QUOTA + 2)]
    assert {status for status, _, _ in answers} == {200}
    assert not any("ratelimit" in headers for _, headers, _ in answers)
    assert ask(BANK)[0] == 200


def test_guesses_that_come_all_at_once_leave_nothing_not_less(edge):
    count = QUOTA + 10
    edge.seen.may_answer.clear()
    with ThreadPoolExecutor(count) as clients:
        guesses = [
            clients.submit(edge.ask, "GET", "/v1/accounts/1", Authorization=GUESS)
            for _ in range(count)
        ]
        try:
            until(lambda: len(edge.seen.requests) == count)
        finally:
            edge.seen.may_answer.set()
        assert min(left(guess.result()) for guess in guesses) == 0


def test_an_answer_says_what_is_left(ask):
    assert (left(ask(BANK)), left(ask(BANK)), left(ask(BANK))) == (QUOTA, QUOTA - 1, QUOTA - 2)
    assert ask(HALL)[1]["ratelimit"] == f'"principal";r={QUOTA};t=30'


def test_what_the_edge_repeats_counts_once(ask, edge):
    ask(BANK)
    before = left(ask(BANK))
    edge.seen.deaths_left = 3
    assert left(ask(BANK)) == before - 1
    assert edge.seen.deaths_left == 0


def test_who_is_too_fast_is_slowed_down_not_shut_out(tmp_path):
    """A client that never slows down gets what it may all the same."""
    second = {"gpc_rate(1,30s)": "gpc_rate(1,1s)"}
    started = running(tmp_path, limited(address=1000), second)
    with started as (topology, _), serving(topology, tmp_path) as edge:
        edge.seen.principals |= KNOWN
        until_s = time.monotonic() + 4
        found = []
        while time.monotonic() < until_s:
            found.append(edge.ask("GET", "/v1/accounts/1", Authorization=BANK)[0])
    assert set(found) == {200, 429}
    assert found.count(200) > 2 * QUOTA


def test_guesses_are_refused_but_nobody_who_is_known(ask):
    ask(BANK)
    assert {ask(GUESS)[0] for _ in range(QUOTA)} <= {401, 429}
    refused = ask(GUESS)
    assert problem(refused) == (429, "UNPROVEN_LIMIT_REACHED")
    assert refused[1]["ratelimit-policy"] == f'"unproven";q={QUOTA};w=30'
    assert problem(ask()) == (429, "UNPROVEN_LIMIT_REACHED")
    assert ask(BANK)[0] == 200


def test_whoever_is_known_is_not_refused_by_a_process_that_ends(tmp_path):
    """After a reload the process before answers what comes over connections that it still has."""
    with running(tmp_path, limited()) as (topology, pid), serving(topology, tmp_path) as edge:
        edge.seen.principals |= KNOWN
        with closing(edge.connected()) as kept:
            assert over(kept, BANK) == 200
            assert {edge.ask("GET", "/", Authorization=GUESS)[0] for _ in range(QUOTA + 3)} == {
                401, 429,
            }  # fmt: skip
            reloaded(pid, tmp_path)
            assert over(kept, BANK) == 200


def over(connection, token):
    """Ask over a connection that stays."""
    connection.request("GET", "/v1/accounts/1", headers={"Authorization": token})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def reloaded(pid, folder):
    """Have the edge's HAProxy start a new process, which tells the one before to end."""
    for _ in range(3):  # in its first second a master may sleep through a signal
        os.kill(pid, signal.SIGUSR2)
        with suppress(AssertionError):
            until(lambda: b"Proxy tokens stopped" in (folder / "log").read_bytes(), within_s=2)
            return
    pytest.fail("no reload")


def test_who_shows_no_token_may_ask_less(ask):
    assert ask(path="/docs")[1]["ratelimit"].startswith('"unproven";r=')
    assert {ask(path="/docs")[0] for _ in range(QUOTA)} == {200, 429}
    assert problem(ask(path="/docs")) == (429, "UNPROVEN_LIMIT_REACHED")


def test_a_token_that_is_revoked_counts_as_a_guess_from_then_on(ask, edge):
    assert ask(BANK)[0] == 200
    del edge.seen.principals[BANK]
    found = [ask(BANK)[0] for _ in range(QUOTA + 3)]
    assert found[0] == 401
    assert found[-1] == 429
    assert problem(ask(BANK)) == (429, "UNPROVEN_LIMIT_REACHED")


def test_without_a_database_nobody_is_known_and_nobody_pays_for_it(ask, edge):
    """Right after an edge took over it knows no token; the API then can tell it of none."""
    edge.seen.is_away = True
    for _ in range(QUOTA + 3):
        status, headers, _ = ask(BANK)
        assert status == 503
        assert "ratelimit" not in headers
    edge.seen.is_away = False
    assert left(ask(BANK)) == QUOTA


def test_what_waited_for_a_failover_passes_all_at_once(tmp_path):
    """Three times what may come in a window, at an edge that took over and knows no token yet."""
    count = 3 * QUOTA
    started = running(tmp_path, limited(address=1000))
    with (
        started as (topology, _),
        serving(topology, tmp_path) as edge,
        ThreadPoolExecutor(count) as clients,
    ):
        edge.seen.principals |= KNOWN
        edge.seen.may_answer.clear()
        waiting = [
            clients.submit(edge.ask, "GET", "/v1/accounts/1", Authorization=BANK)
            for _ in range(count)
        ]
        try:
            until(lambda: len(edge.seen.requests) == count)
        finally:
            edge.seen.may_answer.set()
        assert {answer.result()[0] for answer in waiting} == {200}
        assert left(edge.ask("GET", "/v1/accounts/1", Authorization=BANK)) == QUOTA - 1


def test_an_address_is_refused_what_all_its_principals_together_may_not(ask, edge):
    used_up(ask, BANK)
    found = [ask(PORTAL)[0] for _ in range(QUOTA)]
    assert found[0] == 200
    refused = ask(HALL)
    assert problem(refused) == (429, "ADDRESS_LIMIT_REACHED")
    assert refused[1]["ratelimit-policy"] == f'"address";q={2 * QUOTA};w=30'
    assert len(edge.seen.requests) == 2 * QUOTA - 1  # one more was asked before all began


def test_whose_a_token_is_stays_inside(ask):
    assert "evergrid-principal" not in ask(BANK)[1]


def test_a_principal_that_a_client_claims_to_be_is_not_believed(ask, edge):
    _, headers, _ = ask(GUESS, Evergrid_Principal="9;channel;x")
    assert headers["ratelimit-policy"].startswith('"unproven"')


def test_a_connection_survives_a_refusal_with_a_body(edge, ask):
    """Whoever has to wait a second need not connect anew."""
    while ask(GUESS)[0] != 429:
        pass
    connection = edge.connected(10)
    for _ in range(3):
        connection.request("POST", "/v1/payments", b"x" * 3000, {"Authorization": GUESS})
        answer = connection.getresponse()
        answer.read()
        assert (answer.status, answer.headers["Connection"]) == (429, None)
    connection.close()


def test_refusals_are_counted_by_their_reason(edge, ask):
    used_up(ask, BANK)
    for _ in range(3):
        ask(BANK)
    ask(path="/metrics")
    where = f"https://{edge.topology.host('lb1').address}:{edge.topology.ports.edge_stats}/metrics"
    with urllib.request.urlopen(where, context=Identity(edge.folder).calling()) as page:
        text = page.read().decode()
    series = r'haproxy_backend_http_requests_total{proxy="refused_(\w+)"} (\d+)'
    found = {reason: int(count) for reason, count in re.findall(series, text)}
    assert found["principal_limit_reached"] == 3
    assert found["no_such_resource"] == 1
    assert found["unproven_limit_reached"] == 0


def test_an_address_holds_no_more_connections_than_it_may(tmp_path):
    """It may hold five; once it lets go, it may connect anew."""
    with running(tmp_path, limited(address_connections=5)) as (topology, _):
        where = (topology.host("lb1").address, topology.ports.edge_https)
        with ExitStack() as opened:
            held = [opened.enter_context(socket.socket()) for _ in range(8)]
            for connection in held:
                with suppress(ConnectionResetError):
                    connection.connect(where)
                connection.settimeout(0)
            until(lambda: sum(map(is_closed, held)) == 3)
        edge = Edge(topology, Seen(), tmp_path)
        until(lambda: answers_again(edge))


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def answers_again(edge: Edge) -> bool:
    try:
        return edge.ask("GET", "/metrics")[0] == 404
    except ConnectionError:
        return False
