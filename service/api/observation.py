"""What every request is given, what is recorded of every answer."""

from __future__ import annotations

import logging
import re
import secrets
import time

from service.api import metrics
from service.api.errors import Malformed
from service.api.requests import Request, Response

_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_REFUSED = 400
_SLOW_S = 1.0
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
    """Middleware: a name and a deadline for each request; a log line and two metrics at its end."""

    def __init__(self, *, deadline_s: float) -> None:
        self._deadline_s = deadline_s

    def process_request(self, req: Request, _resp: Response) -> None:
        """
        Name the request, the way its client did if that can be printed.

        :raises PathMalformed: if its path cannot be
        """
        req.began = time.monotonic()
        req.deadline = req.began + self._deadline_s
        sent = req.env.get("HTTP_X_REQUEST_ID", "")
        req.request_id = sent if _REQUEST_ID.fullmatch(sent) else secrets.token_hex(8)
        if not req.path.isprintable():
            raise PathMalformed(f"the path {req.path[:80]!a} cannot be printed")

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
