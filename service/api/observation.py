"""What every request is given, what is recorded of every answer."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime

from service.api import metrics
from service.api.errors import Malformed
from service.api.requests import Request, Response

_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_MILLISECONDS = re.compile(r"[0-9]{13}")
_REFUSED = 400
_SLOW_S = 1.0
# However long the edge held a request, or another host: an answer that is known takes less.
_LEFT_MIN_S = 0.5
# Nothing here is for other sites' pages, proxies or browsers' caches.
_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
}


class PathMalformed(Malformed):
    """A path has characters that no name of ours has."""

    code = "PATH_MALFORMED"
    hint = "Leave control characters out of the path."


class Observation:
    """
    Middleware: a name and a deadline for each request; a log line and two metrics at its end.

    The deadline counts from when the edge took the request (X-Request-Start, in milliseconds since
    1970): one that it held, or repeats here because another host did not answer, has waited before.
    """

    def __init__(self, *, deadline_s: float, clock: Callable[[], datetime]) -> None:
        self._deadline_s = deadline_s
        self._clock = clock

    def process_request(self, req: Request, _resp: Response) -> None:
        """
        Name the request, the way its client did if that can be printed.

        :raises PathMalformed: if its path cannot be
        """
        req.began = time.monotonic()
        waited_s = self._waited_s(req.env.get("HTTP_X_REQUEST_START", ""))
        req.deadline = req.began + max(
            min(_LEFT_MIN_S, self._deadline_s), self._deadline_s - waited_s
        )
        sent = req.env.get("HTTP_X_REQUEST_ID", "")
        req.request_id = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)
        if not req.path.isprintable():
            raise PathMalformed(f"the path {req.path[:80]!a} cannot be printed")

    def _waited_s(self, start_ms: str) -> float:
        """Return how long ago the edge took the request, as far as the two hosts' clocks agree."""
        if not _MILLISECONDS.fullmatch(start_ms):
            return 0.0
        return max(0.0, self._clock().timestamp() - int(start_ms) / 1000)

    def process_response(
        self, req: Request, resp: Response, _resource: object, _is_answered: object
    ) -> None:
        """Record the answer."""
        seconds = time.monotonic() - req.began
        status = resp.status_code
        resp.set_headers(_HEADERS)
        resp.set_header("x-request-id", req.request_id)
        metrics.count(
            method=req.method, route=req.uri_template, status=str(status), seconds=seconds
        )
        _log.log(
            _level(req.method, status, seconds),
            "%s %s answered %d to %s in %.1f ms, request %s.",
            req.method,
            req.path if req.path.isprintable() else ascii(req.path),
            status,
            _who(req),
            seconds * 1000,
            req.request_id,
        )


def _level(method: str, status: int, seconds: float) -> int:
    """Return the level of a line: plain reads are only counted: a line costs a tenth of them."""
    is_plain = method == "GET" and status < _REFUSED and seconds < _SLOW_S
    return logging.DEBUG if is_plain else logging.INFO


def _who(req: Request) -> str:
    caller = req.principal
    if caller is None:
        return "nobody known"
    return f"{caller.name} ({caller.role} of bureau {caller.scope})"
