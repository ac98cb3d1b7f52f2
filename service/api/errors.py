"""Every refusal as an HTTP problem, in one table."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import falcon
import msgspec

from service.api.requests import Request, Response
from service.domain.errors import Busy, Conflict, FaultyField, Forbidden, Invalid, Missing, Refusal
from service.domain.tokens import Unauthenticated

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# A failover is over, or it takes as long again: sooner would only add to the queue.
_RETRY_AFTER_S = "2"


class Malformed(Refusal):
    """A request that cannot be read."""


class TooLarge(Refusal):
    """A request with more in it than is accepted at once."""


class MediaTypeUnsupported(Refusal):
    """A body in a format that the resource does not read."""

    code = "MEDIA_TYPE_UNSUPPORTED"
    hint = "Send the body with the Content-Type named in the API's description."


# The one table: what kind of refusal gets which status, and what else its answer says.
STATUS: Mapping[type[Refusal], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    Missing: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    MediaTypeUnsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}
HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="evergrid"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": _RETRY_AFTER_S},
}
# What falcon itself refuses, before a resource is reached.
_ROUTING = {
    HTTPStatus.NOT_FOUND: ("ROUTE_UNKNOWN", "See /docs for what there is."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("METHOD_NOT_ALLOWED", "See the Allow header."),
}
_UNREADABLE = ("REQUEST_MALFORMED", "Send a well-formed HTTP request; see /docs.")


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details; `code` is stable, `hint` says what to do next."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str
    request_id: str
    fields: tuple[FaultyField, ...] = ()


def status_of(kind: type[Refusal]) -> HTTPStatus:
    """Return the status with which refusals of `kind` are answered."""
    return next(STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS)


def add_to(app: falcon.App[Request, Response]) -> None:
    """Answer everything that may go wrong in `app` with a problem."""
    app.add_error_handler(Refusal, _refusal)
    app.add_error_handler(falcon.HTTPError, _routing)
    app.add_error_handler(Exception, _bug)


def _refusal(req: Request, resp: Response, error: Refusal, _params: dict[str, Any]) -> None:
    status = status_of(type(error))
    _answer(
        req,
        resp,
        status,
        code=error.code,
        detail=error.detail,
        hint=error.hint,
        fields=error.fields,
    )
    resp.set_headers(HEADERS.get(status, {}))


def _routing(req: Request, resp: Response, error: falcon.HTTPError, _params: object) -> None:
    status = HTTPStatus(error.status_code)
    code, hint = _ROUTING.get(status, _UNREADABLE)
    detail = f"{req.method} {req.path}: {error.description or error.title}"
    _answer(req, resp, status, code=code, detail=detail, hint=hint)
    resp.set_headers(error.headers or {})


def _bug(req: Request, resp: Response, error: Exception, _params: object) -> None:
    _log.error(
        "Request %s (%s %s) ended in a bug of the service.",
        req.request_id,
        req.method,
        req.uri_template,
        exc_info=error,
    )
    _answer(
        req,
        resp,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        code="INTERNAL_ERROR",
        detail="the service failed in a way that nobody foresaw; nothing was half-written",
        hint="Send the same request with the same Idempotency-Key again, then report request_id.",
    )


def _answer(  # noqa: PLR0913  a problem has that many members
    req: Request,
    resp: Response,
    status: HTTPStatus,
    *,
    code: str,
    detail: str,
    hint: str,
    fields: tuple[FaultyField, ...] = (),
) -> None:
    resp.status = status
    resp.content_type = MEDIA_TYPE
    resp.data = msgspec.json.encode(
        Problem(
            type=f"/docs#{code}",
            title=status.phrase,
            status=status,
            code=code,
            detail=detail,
            hint=hint,
            request_id=req.request_id,
            fields=fields,
        )
    )
