"""Each answer leaves in one write: in a real gunicorn, whose writes are recorded."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from service import gunicorn_hooks

ROOT = Path(__file__).parents[2]
APP = """
import gc
from gevent.server import StreamServer

def door():
    found = [each for each in gc.get_objects() if isinstance(each, StreamServer)]
    return str([each.max_accept for each in found]).encode()

def app(environ, start_response):
    status, body = {
        "/text": ("200 OK", [b"hello"]),
        "/door": ("200 OK", [door()]),
        "/chunks": ("200 OK", [b"one", b"two"]),
        "/nothing": ("204 No Content", []),
        "/unchanged": ("304 Not Modified", []),
        "/empty": ("200 OK", [b""]),
    }[environ["PATH_INFO"]]
    has_length = environ["PATH_INFO"] in ("/text", "/door", "/empty")
    length = [("Content-Length", str(len(body[0])))] if has_length else []
    start_response(status, length)
    return body
"""
CONFIG = """
import json, os
from gevent import socket
from service import gunicorn_hooks

gunicorn_hooks.REST_OF_BODY_S = 1
worker_class = "gevent"
workers = 2
graceful_timeout = 1
control_socket_disable = True
http_parser = os.environ["PARSER"]
on_starting = gunicorn_hooks.on_starting
child_exit = gunicorn_hooks.child_exit

class Recording(socket.socket):
    def sendall(self, data, flags=0):
        with open(os.environ["WRITES"], "a") as file:
            file.write(json.dumps(bytes(data).decode("latin-1")) + "\\n")
        return super().sendall(data, flags)

def post_worker_init(worker):
    gunicorn_hooks.post_worker_init(worker)
    handle = worker.handle
    def recorded(listener, client, address):
        handle(listener, Recording(fileno=client.detach()), address)
    worker.handle = recorded
"""
ANSWERS_WITHIN_S = 20


def asked(port, *requests):
    """Send requests over one connection; return all that came back until the server closed it."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN_S) as client:
        for number, request in enumerate(requests, start=1):
            keep = "close" if number == len(requests) else "keep-alive"
            client.sendall(f"{request} HTTP/1.1\r\nHost: h\r\nConnection: {keep}\r\n\r\n".encode())
        return b"".join(iter(lambda: client.recv(65536), b"")).decode("latin-1")


@pytest.fixture(scope="module", params=["fast", "python"])
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gunicorn")
    (folder / "answering.py").write_text(APP)
    (folder / "gunicorn.conf.py").write_text(CONFIG)
    listener = socket.create_server(("127.0.0.1", 0))
    environ = os.environ | {
        "PYTHONPATH": f"{ROOT}:{folder}",
        "WRITES": str(folder / "writes"),
        "PARSER": request.param,
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        "GUNICORN_FD": str(listener.fileno()),
        "GUNICORN_PID": "",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "answering:app"]
    port = listener.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--bind", f"fd://{listener.fileno()}"],
            cwd=folder, env={k: v for k, v in environ.items() if not k.startswith("GUNICORN_")},
            pass_fds=[listener.fileno()], stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield SimpleNamespace(port=port, writes=folder / "writes")
    finally:
        listener.close()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=ANSWERS_WITHIN_S)


@pytest.fixture
def writes(server):
    """What one connection's requests made the server write."""

    def made(*requests):
        server.writes.write_text("")
        answer = asked(server.port, *requests)
        written = [json.loads(line) for line in server.writes.read_text().splitlines()]
        assert "".join(written) == answer
        return written

    return made


@pytest.mark.parametrize(
    ("request_line", "end"),
    [
        ("GET /text", "\r\n\r\nhello"),
        ("HEAD /text", "\r\n\r\n"),
        ("GET /nothing", "\r\n\r\n"),
        ("GET /unchanged", "\r\n\r\n"),
        ("GET /empty", "\r\n\r\n"),
    ],
)
def test_an_answer_leaves_in_one_write(writes, request_line, end):
    (only,) = writes(request_line)
    assert only.startswith("HTTP/1.1 ")
    assert only.endswith(end)
    assert only.count("HTTP/1.1 ") == 1


def test_each_answer_of_a_kept_connection_is_one_write(writes):
    written = writes("GET /text", "GET /nothing", "GET /text")
    assert [re.match(r"HTTP/1.1 (\d+)", one)[1] for one in written] == ["200", "204", "200"]


def test_a_chunked_answer_begins_with_its_headers_and_ends_properly(writes):
    written = writes("GET /chunks")
    assert written[0].endswith("\r\n\r\n3\r\none\r\n")
    assert written[1:] == ["3\r\ntwo\r\n", "0\r\n\r\n"]


def test_a_body_that_nobody_reads_is_not_waited_for_beyond_its_time(server):
    """Answered at once; then the connection ends, however slowly the rest goes on coming."""
    head = b"POST /text HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"
    began_s = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=0.2) as client:
        client.sendall(head)
        with suppress(OSError):
            while time.monotonic() < began_s + ANSWERS_WITHIN_S:
                client.sendall(b"x")
                with suppress(TimeoutError):
                    if client.recv(65536) == b"":
                        break
    assert 1 <= time.monotonic() - began_s < ANSWERS_WITHIN_S


def test_a_body_that_nobody_reads_does_not_end_the_connection_once_it_came(server):
    post = b"POST /text HTTP/1.1\r\nHost: h\r\nContent-Length: 4000\r\n\r\n" + b"x" * 4000
    end = b"GET /text HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, timeout=ANSWERS_WITHIN_S) as client:
        client.sendall(post + end)
        answered = b"".join(iter(lambda: client.recv(65536), b""))
    assert answered.count(b"HTTP/1.1 200 OK") == 2


def test_each_of_several_processes_takes_more_than_one_connection_a_turn(server):
    """gunicorn would have them take one."""
    answer = asked(server.port, "GET /door")
    assert answer.endswith(f"\r\n\r\n[{gunicorn_hooks.ACCEPTED_A_TURN}]")


def test_a_start_forgets_what_dead_processes_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    (tmp_path / "counter_1.db").write_bytes(b"old")
    gunicorn_hooks.on_starting(None)
    assert list(tmp_path.iterdir()) == []


def test_a_dead_process_has_no_open_connections(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for name in ("gauge_livesum_7.db", "counter_7.db", "gauge_livesum_8.db"):
        (tmp_path / name).write_bytes(b"")
    gunicorn_hooks.child_exit(None, SimpleNamespace(pid=7))
    assert {file.name for file in tmp_path.iterdir()} == {"counter_7.db", "gauge_livesum_8.db"}
