"""Every refusal as an HTTP problem, in one table."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import falcon
import msgspec

from service.api.requests import Request, Response
from service.domain.errors import (
    Busy,
    Conflict,
    FaultyField,
    Forbidden,
    Invalid,
    Missing,
    Refusal,
    Throttled,
)
from service.domain.tokens import Unauthenticated

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
# Soon enough for a failover that is nearly over, late enough not to add to the queue behind it.
_RETRY_AFTER_S = "2"


class Malformed(Refusal):
    """A request that cannot be read."""


class TooLarge(Refusal):
    """A request with more in it than is accepted at once."""


class TooSlow(Refusal):
    """A request that did not come whole while there was time to answer it."""


class RequestMalformed(Malformed):
    """Something that is no HTTP request to us."""

    code = "REQUEST_MALFORMED"
    hint = "Send a well-formed HTTP request; see /docs."


class RouteUnknown(Missing):
    """Nothing is found under this path."""

    code = "ROUTE_UNKNOWN"
    hint = "See /docs for the paths that there are."


class MethodNotAllowed(Refusal):
    """The path does not know this method."""

    code = "METHOD_NOT_ALLOWED"
    hint = "Use one of the methods in the Allow header."


class MediaTypeUnsupported(Refusal):
    """A body in a format that its resource does not read."""

    code = "MEDIA_TYPE_UNSUPPORTED"
    hint = "Send the body with the Content-Type named in /docs."


class ServiceFailed(Refusal):
    """The service met what its authors did not foresee."""

    code = "INTERNAL_ERROR"
    hint = "Send the same request with the same Idempotency-Key again, then report request_id."


# The one table: which kind of refusal is answered with which status, the closest kind first.
STATUS: Mapping[type[Refusal], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    Missing: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    MediaTypeUnsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Throttled: HTTPStatus.TOO_MANY_REQUESTS,
    ServiceFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}
HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="evergrid"'},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": "1"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": _RETRY_AFTER_S},
}
# What falcon refuses by itself, before a responder runs.
_BY_FALCON: Mapping[int, type[Refusal]] = {404: RouteUnknown, 405: MethodNotAllowed}


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
    app.add_error_handler(Throttled, _throttled)
    app.add_error_handler(falcon.HTTPError, _by_falcon)
    app.add_error_handler(Exception, _bug)


def _refusal(req: Request, resp: Response, error: Refusal, _params: dict[str, Any]) -> None:
    status = status_of(type(error))
    problem = Problem(
        type=f"/docs#{error.code}",
        title=status.phrase,
        status=status,
        code=error.code,
        detail=error.detail,
        hint=error.hint,
        request_id=req.request_id,
        fields=error.fields,
    )
    resp.status = status
    resp.content_type = MEDIA_TYPE
    resp.data = msgspec.json.encode(problem)
    resp.set_headers(HEADERS.get(status, {}))


def _throttled(req: Request, resp: Response, error: Throttled, params: dict[str, Any]) -> None:
    _refusal(req, resp, error, params)
    resp.set_header("Retry-After", str(error.wait_s))


def _by_falcon(
    req: Request, resp: Response, error: falcon.HTTPError, params: dict[str, Any]
) -> None:
    kind = _BY_FALCON.get(error.status_code, RequestMalformed)
    what = error.description or "there is no such thing here"
    _refusal(req, resp, kind(f"{req.method} {req.path}: {what}"), params)
    resp.set_headers(error.headers or {})


def _bug(req: Request, resp: Response, error: Exception, params: dict[str, Any]) -> None:
    _log.error(
        "Request %s (%s %s) ended in a bug of the service.",
        req.request_id,
        req.method,
        req.uri_template,
        exc_info=error,
    )
    detail = "the service failed in a way that nobody foresaw; nothing was half-written"
    _refusal(req, resp, ServiceFailed(detail), params)
