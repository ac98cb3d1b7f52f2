"""Who waits does so at the edge: in turn, not for ever, and reads are not behind writes."""

from __future__ import annotations

import csv
import shutil
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from edges import Edge, problem, running, serving, until  # tests are no package

pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="no HAProxy installed")

# One request at once for each of the two hosts, two that may wait.
NARROW = {"maxconn 192 ssl": "maxconn 1 ssl", ") ge 3000": ") ge 2"}
IMPATIENT = NARROW | {"timeout queue 22s": "timeout queue 1s"}
SERVED, WAITING = 2, 2


def told(folder: Path, order: str) -> str:
    """Return what the edge's HAProxy answers to an order."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(folder / "admin.sock"))
        admin.sendall(f"{order}\n".encode())
        return admin.makefile(encoding="ascii").read()


def row(folder: Path, backend: str, server: str) -> dict[str, str]:
    """Return what the edge counts of a server, or of the whole backend."""
    rows = csv.DictReader(told(folder, "show stat").removeprefix("# ").splitlines())
    return next(r for r in rows if (r["pxname"], r["svname"]) == (backend, server))


@contextmanager
def busy(folder: Path, changes: dict[str, str]) -> Iterator[tuple[Edge, list[Future[tuple]]]]:
    """Lend an edge whose hosts are busy with a write each; two more wait."""
    with (
        running(folder, changes=changes) as (topology, _),
        serving(topology, folder) as edge,
        ThreadPoolExecutor(SERVED + WAITING + 1) as clients,
    ):
        apps = [host.name for host in topology.with_role("app")]
        until(lambda: all(row(folder, "api", app)["status"] == "UP" for app in apps))
        edge.seen.may_answer.clear()
        try:
            writes = [
                clients.submit(edge.ask, "POST", f"/v1/payments/{number}", Idempotency_Key="k")
                for number in range(SERVED + WAITING)
            ]
            until(lambda: len(edge.seen.requests) == SERVED)
            if "timeout queue 22s" not in changes:
                until(lambda: row(folder, "api", "BACKEND")["qcur"] == str(WAITING))
            yield edge, writes
        finally:
            edge.seen.may_answer.set()


def test_what_no_host_has_time_for_waits_its_turn_at_the_edge(tmp_path):
    with busy(tmp_path, NARROW) as (edge, writes):
        assert len(edge.seen.requests) == SERVED
        edge.seen.may_answer.set()
        assert [write.result()[0] for write in writes] == [200] * (SERVED + WAITING)


def test_more_than_can_be_answered_in_time_is_refused_at_once(tmp_path):
    with busy(tmp_path, NARROW) as (edge, _):
        refused = edge.ask("POST", "/v1/payments/late", Idempotency_Key="k")
        assert problem(refused) == (503, "QUEUE_FULL")
        assert 2 <= int(refused[1]["retry-after"]) <= 11
        assert len(edge.seen.requests) == SERVED


def test_a_read_does_not_wait_behind_writes(tmp_path):
    with busy(tmp_path, NARROW) as (edge, _), ThreadPoolExecutor(1) as client:
        read = client.submit(edge.ask, "GET", "/v1/accounts/1")
        until(lambda: ("GET", "/v1/accounts/1") in [seen[:2] for seen in edge.seen.requests])
        edge.seen.may_answer.set()
        assert read.result()[0] == 200


def test_what_waits_too_long_is_refused_and_was_never_sent(tmp_path):
    with busy(tmp_path, IMPATIENT) as (edge, writes):
        until(lambda: sum(write.done() for write in writes) == WAITING)
        refused = [write.result() for write in writes if write.done()]
        assert {problem(answer) for answer in refused} == {(503, "API_UNREACHABLE")}
        edge.seen.may_answer.set()
        assert [write.result()[0] for write in writes].count(200) == SERVED
        assert len(edge.seen.requests) == SERVED


@pytest.mark.parametrize("state", ["drain", "maint"])
def test_a_host_that_is_sent_nothing_more_is_sent_no_reads_either(tmp_path, state):
    with running(tmp_path) as (topology, _), serving(topology, tmp_path) as edge:
        until(lambda: row(tmp_path, "api_reads", "app2")["status"] == "UP")
        assert told(tmp_path, f"set server api/app1 state {state}").strip() == ""
        until(lambda: row(tmp_path, "api_reads", "app1")["status"].startswith(state.upper()))
        before = row(tmp_path, "api_reads", "app1")["stot"]
        assert [edge.ask("GET", "/v1/accounts/1")[0] for _ in range(6)] == [200] * 6
        assert row(tmp_path, "api_reads", "app1")["stot"] == before
