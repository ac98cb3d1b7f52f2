"""The edge as rendered, in front of two API hosts that fail on request."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ha.topology import Topology

sys.path.insert(0, str(Path(__file__).parent))
from edges import Edge, Seen, answers, problem, running, serving, until  # tests are no package

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="no HAProxy installed")


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[Topology, int]]:
    """Yield where the edge is, with its pid."""
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def edge(started: tuple[Topology, int], tmp_path: Path) -> Iterator[Edge]:
    topology, _ = started
    with serving(topology, tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/metrics/", "/metrics?a=1", "//metrics", "/%6detrics", "/METRICS", "/metrics/x"],
)
def test_metrics_are_not_for_clients_however_the_path_is_spelt(edge, path):
    assert problem(edge.ask("GET", path)) == (404, "NO_SUCH_RESOURCE")
    assert edge.seen.requests == []


def test_a_path_that_only_begins_alike_is_passed_on(edge):
    assert edge.ask("GET", "/metrics-of-mine")[0] == 200


def test_a_body_of_50_megabytes_is_refused_before_it_reaches_the_api(edge):
    """Only its head is sent: who promises 50 MB need not send them to be told."""
    answer = edge.ask("POST", "/v1/account-imports", Content_Length="50000000")
    assert problem(answer) == (413, "BODY_TOO_LARGE")
    assert edge.seen.requests == []


def test_what_a_client_says_of_its_own_address_is_not_believed(edge):
    edge.ask("GET", "/v1/prices", X_Forwarded_For="8.8.8.8")
    ((_, _, headers),) = edge.seen.requests
    assert headers["x-forwarded-for"] == "127.0.0.1"


def test_a_plain_request_id_goes_through_to_the_api_and_back(edge):
    _, answered, _ = edge.ask("GET", "/v1/prices", X_Request_Id="hall-7.42_b")
    ((_, _, headers),) = edge.seen.requests
    assert headers["x-request-id"] == answered["x-request-id"] == "hall-7.42_b"


@pytest.mark.parametrize("given", ['a"b', "x" * 65, "", "two words"])
def test_a_request_id_that_could_break_a_log_is_replaced(edge, given):
    _, answered, _ = edge.ask("GET", "/v1/prices", X_Request_Id=given)
    ((_, _, headers),) = edge.seen.requests
    assert headers["x-request-id"] == answered["x-request-id"] != given


@pytest.mark.parametrize("survives", [False, True], ids=["no answer", "502 of its HAProxy"])
@pytest.mark.parametrize(("method", "key"), [("GET", {}), ("POST", {"Idempotency_Key": "k-1"})])
def test_a_request_that_is_safe_to_repeat_survives_an_api_process_that_dies(
    edge, method, key, survives
):
    edge.seen.deaths_left, edge.seen.survives = 1, survives
    status, _, body = edge.ask(method, "/v1/payments", body=b"{}" if key else b"", **key)
    assert (status, body) == (200, b"done")
    assert len(edge.seen.requests) == 2


def test_the_api_is_told_since_when_a_client_waits_also_by_a_repetition(edge):
    edge.seen.deaths_left = 1
    began_ms = time.time() * 1000
    edge.ask("GET", "/v1/prices", X_Request_Start="1")
    starts = [int(headers["x-request-start"]) for _, _, headers in edge.seen.requests]
    assert len(starts) == 2
    assert starts[0] == starts[1]
    assert began_ms - 1 <= starts[0] <= time.time() * 1000


@pytest.mark.parametrize("survives", [False, True], ids=["no answer", "502 of its HAProxy"])
def test_a_write_without_a_key_is_not_repeated(edge, survives):
    edge.seen.deaths_left, edge.seen.survives = 1, survives
    assert problem(edge.ask("POST", "/v1/payments", body=b"{}")) == (502, "ANSWER_LOST")
    assert len(edge.seen.requests) == 1


def test_without_any_api_host_a_client_is_told_when_to_come_again(started, tmp_path):
    topology, _ = started
    answer = Edge(topology, Seen(), tmp_path).ask("GET", "/v1/prices")
    assert problem(answer) == (503, "API_UNREACHABLE")
    assert answer[1]["retry-after"] == "1"


def tell(pid: int, how: int, effect: Callable[[], bool]) -> None:
    """
    Signal HAProxy until it has taken effect.

    In its first second a master of version 2.6 may sleep through a signal; each try gets two.
    """
    for _ in range(3):
        with suppress(ProcessLookupError):
            os.kill(pid, how)
        with suppress(AssertionError):
            until(effect, within_s=2)
            return
    assert effect(), f"{signal.Signals(how).name} has no effect"


def workers(pid: int) -> list[int]:
    """Return the running processes that HAProxy's master has started."""
    argv = ["pgrep", "--parent", str(pid), "--runstates", "RSD", "--exact", "haproxy"]
    found = subprocess.run(argv, capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]


@pytest.mark.parametrize(
    ("kill", "how"),
    [
        (lambda master: master, signal.SIGKILL),
        (lambda master: workers(master)[0], signal.SIGKILL),
        (lambda master: master, signal.SIGTERM),
        (lambda master: master, signal.SIGUSR1),
    ],
    ids=["master killed", "worker killed", "stopped", "stopped softly"],
)
def test_however_the_edge_ends_keepalived_is_told_to_let_go(started, tmp_path, kill, how):
    """Source: keepalived.conf(5), track_file: -254 is FAULT, whatever the priority."""
    topology, pid = started
    state = tmp_path / "state"
    assert state.read_text(encoding="utf-8").strip() == "0"
    tell(kill(pid), how, lambda: state.read_text(encoding="utf-8").strip() == "-254")
    assert not answers(topology)


def test_a_reload_of_the_edge_keeps_the_address(started, tmp_path):
    topology, pid = started
    old = workers(pid)
    tell(pid, signal.SIGUSR2, lambda: bool(workers(pid)) and not set(old) & set(workers(pid)))
    assert (tmp_path / "state").read_text(encoding="utf-8").strip() == "0"
    assert answers(topology)
