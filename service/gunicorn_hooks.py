"""What gunicorn is told to do differently; its configuration file imports these hooks by name."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from gevent.server import StreamServer
from gunicorn import http
from gunicorn.http import wsgi
from gunicorn.workers import ggevent
from prometheus_client import multiprocess

# As long as the edge waits for the beginning of a request.
REST_OF_BODY_S = 10.0
# Connections taken in one turn of a process's loop: so few that the other process gets its share.
ACCEPTED_A_TURN = 16


class PatientParser(http.RequestParser):  # type: ignore[misc]  # gunicorn ships no types
    """
    A parser that waits a bounded time for the rest of a body that nobody read.

    It has to read it before it finds the next request of a connection. By itself it waits for ever
    on a client that sends a byte now and then, and each such client holds one place of a process.
    """

    def finish_body(self, deadline: float | None = None, max_bytes: int | None = None) -> bool:
        """Return whether all of it came; the connection ends if it did not."""
        until = time.monotonic() + REST_OF_BODY_S if deadline is None else deadline
        is_whole: bool = super().finish_body(deadline=until, max_bytes=max_bytes or sys.maxsize)
        return is_whole


class WillingServer(StreamServer):
    """
    A listener that takes several connections in one turn of its process's loop.

    gunicorn lets it take one where there are several processes. After an outage each request waits
    on a connection of its own, turns are long, and new connections come faster than they are taken:
    reads lay in the kernel's queue for 10 s while the primary would have answered them at once.
    """

    @property
    def max_accept(self) -> int:
        """Return how many it takes."""
        return ACCEPTED_A_TURN

    @max_accept.setter
    def max_accept(self, wanted: int) -> None:
        """Pass over what gunicorn wants."""


class OneWriteResponse(wsgi.Response):  # type: ignore[misc]  # gunicorn ships no types
    """
    A response whose headers leave together with the first piece of its body, in one write.

    gunicorn writes the headers first. A process that dies between the two writes leaves its client
    with half an answer, and the load balancer cannot ask another server any more: it has passed the
    headers on. Measured: two to four such requests per killed process; none with a single write.
    """

    headers_sent: bool
    _unsent = b""

    def can_sendfile(self) -> bool:
        """Refuse sendfile, which would leave without the headers."""
        return False

    def send_headers(self) -> None:
        """Keep the headers back until there is something to send with them."""
        if self.headers_sent:
            return
        lines = self.default_headers()
        lines.extend([f"{name}: {value}\r\n" for name, value in self.headers])
        self._unsent = "".join([*lines, "\r\n"]).encode("latin-1")
        self.headers_sent = True

    def close(self) -> None:
        """Send what is left: the headers of an answer without a body, the end of a chunked one."""
        self.send_headers()
        last = b"0\r\n\r\n" if self.chunked else b""
        if self._unsent or last:
            self._send(last)

    def _emit_body(self, data: bytes) -> None:
        self._send(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def _send(self, data: bytes) -> None:
        unsent, self._unsent = self._unsent, b""
        self.sock.sendall(unsent + data)


def on_starting(server: Any) -> None:  # noqa: ANN401, ARG001  gunicorn's signature
    """Forget what the processes of an earlier run counted: their files would add up for ever."""
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
        file.unlink()


def post_worker_init(worker: Any) -> None:  # noqa: ANN401, ARG001
    """Answer in one write, wait for nobody's body for long, take who comes: from the first on."""
    ggevent.StreamServer = WillingServer
    wsgi.Response = OneWriteResponse
    http.RequestParser = PatientParser


def child_exit(server: Any, worker: Any) -> None:  # noqa: ANN401, ARG001
    """Take what a dead process said about its present (open connections) out of the metrics."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
