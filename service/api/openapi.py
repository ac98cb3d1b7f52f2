"""The API described in OpenAPI 3.1, from what the responders promise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from service.api import consistency, errors, limits, operations
from service.api.errors import Problem
from service.api.operations import Operation
from service.domain.consistency import PATTERN
from service.domain.errors import Refusal
from service.domain.permissions import OPERATIONS

_REF = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"{(\w+)(:int)?}")
_METHODS = ("get", "post", "delete")
_ACTS = frozenset({"post", "delete"})
_ABOUT = """\
The one interface of the utility's data centre. Money is a whole number of fen (`amount_fen`),
energy whole kWh; prices and registers are decimal numbers as text; times are RFC 3339 with an
offset, accounting months `YYYY-MM` in Asia/Shanghai. Lists come a page at a time: send
`next_cursor` back as `cursor`.

Every POST or DELETE carries an `Idempotency-Key`. When a connection breaks or no answer comes, send
the same request with the same key again: it acts once, and the first answer is repeated. Wait 30 s
for an answer: while the database fails over a request waits, and what cannot be done within 27 s is
answered 503 by then. Repeat it after the seconds in `Retry-After`. Keep TCP keepalive on (idle 1 s,
interval 1 s, 3 probes), so that the loss of a load balancer is noticed.

Programs call with a token that the operations staff issue. People sign in at `/v1/sessions`, call
with the `access_token`, get the next at `/v1/sessions/current/renewals` while they work, sign in
again when their session ends. No password in a request is kept or logged.

Reads are answered by replicas, which may be a moment behind. Every answer carries a
`Consistency-Token`: what it showed lies before it. Keep the greatest you have seen (compare them as
text), send it with your next read, and no answer is older than what you have seen; without it a
read may not show yet what you have just written.

Requests are counted by whose token they show; `RateLimit-Policy` says how many may come in which
time, `RateLimit` how many are left. Beyond, they are answered 429: wait the seconds in
`Retry-After`. What waits for a failover counts once, however long it waits. Without a valid token
far fewer may come from one address. A URI may have 4,000 bytes, all headers together 8,000.

Everything that is refused is answered with `application/problem+json` (RFC 9457): a stable `code`,
what happened (`detail`), what to do (`hint`), and the `request_id` to quote.
"""
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "Fresh for each new act, unchanged when it is repeated; kept for 30 days.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
    "example": "9f1c6a52-5d0e-4a57-8f5e-2f6f4d1e7a10",
}
_TOKEN = {
    "name": consistency.HEADER,
    "in": "header",
    "required": False,
    "description": "The greatest token that an answer carried: the answer will not be older.",
    "schema": {"type": "string", "pattern": PATTERN},
    "example": "00000003/0000000001A2B3C8",
}
_TOKEN_ANSWERED: dict[str, object] = {
    "description": "What this answer shows lies before it; send the greatest with the next read.",
    "schema": {"type": "string", "pattern": PATTERN},
}
_REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": "A name for this request in the logs; one is made if it is missing.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
}


def document(routes: Mapping[str, type], *, version: str) -> dict[str, object]:
    """Return the description of the resources in `routes`, by their path templates."""
    described = list(_described(routes))
    schemas = _Schemas([operation for _, _, operation in described])
    paths: dict[str, dict[str, object]] = {}
    for template, method, operation in described:
        path = _PARAMETER.sub(r"{\1}", template)
        paths.setdefault(path, {})[method] = _operation(template, method, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Evergrid",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "parameters": {
                "IdempotencyKey": _KEY,
                "ConsistencyToken": _TOKEN,
                "RequestId": _REQUEST_ID,
            },
            "responses": {
                **dict(_problems(schemas)),
                HTTPStatus.TOO_MANY_REQUESTS.name: limits.refused(
                    schemas.ref(Problem), ours=_throttled()
                ),
            },
            "schemas": schemas.components,
        },
    }


def refusals(status: HTTPStatus) -> list[type[Refusal]]:
    """Return every refusal that is answered with `status`, by its code."""
    found = {kind for kind in _below(Refusal) if hasattr(kind, "code")}
    return sorted(
        (kind for kind in found if errors.status_of(kind) == status), key=lambda kind: kind.code
    )


class _Schemas:
    """The JSON schemas of all types that operations take or answer, one component each."""

    def __init__(self, described: Iterable[Operation]) -> None:
        kinds: list[type] = [Problem]
        for operation in described:
            named = (operation.answer, operation.body)
            kinds.extend(kind for kind in named if kind is not None and kind is not bytes)
        unique = list(dict.fromkeys(kinds))
        found, self.components = msgspec.json.schema_components(unique, ref_template=_REF)
        self._refs = dict(zip(unique, found, strict=True))

    def ref(self, kind: type) -> dict[str, Any]:
        return self._refs[kind]


def _described(routes: Mapping[str, type]) -> Iterator[tuple[str, str, Operation]]:
    for template, resource in routes.items():
        for method in _METHODS:
            responder = getattr(resource, f"on_{method}", None)
            operation = responder and operations.of(responder)
            if operation:
                yield template, method, operation


def _operation(
    template: str, method: str, operation: Operation, schemas: _Schemas
) -> dict[str, object]:
    success = {
        "description": _told(operation),
        "content": {operation.answer_media_type: {"schema": _answered(operation, schemas)}},
        "headers": dict(_headers(operation)),
    }
    refused = {
        str(status.value): {"$ref": f"#/components/responses/{status.name}"}
        for status in sorted(set(_statuses(template, method, operation)))
    }
    described: dict[str, object] = {
        "summary": operation.summary,
        "operationId": _identifier(template, method),
        "tags": [template.split("/")[2] if template.startswith("/v1/") else "operations"],
        "parameters": list(_parameters(template, method, operation)),
        "responses": {str(operation.status): success, **refused},
    }
    if operation.permission is None:
        described["security"] = []
    else:
        reaches = sorted(OPERATIONS[operation.permission].items())
        roles = ", ".join(f"{role} ({reach})" for role, reach in reaches)
        described["description"] = f"Roles: {roles}."
        described["x-permission"] = operation.permission
    if operation.body is not None:
        described["requestBody"] = _body(operation, schemas.ref(operation.body))
    return described


def _told(operation: Operation) -> str:
    words = None if operation.answer is bytes else operation.answer.__doc__
    return words or operation.summary


def _answered(operation: Operation, schemas: _Schemas) -> Mapping[str, Any]:
    """Return the schema of an answer; OpenAPI 3.1 leaves out that of bytes as they are."""
    return {} if operation.answer is bytes else schemas.ref(operation.answer)


def _headers(operation: Operation) -> Iterator[tuple[str, dict[str, object]]]:
    for name, text in operation.headers.items():
        yield name, {"description": text, "schema": {"type": "string"}}
    if operation.permission is not None:
        yield consistency.HEADER, _TOKEN_ANSWERED
    for name, header in limits.HEADERS.items():
        yield name, dict(header)


def _body(operation: Operation, schema: Mapping[str, object]) -> dict[str, object]:
    content = {"schema": schema, "example": operation.example}
    return {"required": True, "content": {operation.body_media_type: content}}


def _identifier(template: str, method: str) -> str:
    """Return a name for generated clients: what is done to which path."""
    words = re.findall(r"[a-z]+", _PARAMETER.sub(r"by_\1", template).removeprefix("/v1"))
    return "_".join([method, *words])


def _parameters(template: str, method: str, operation: Operation) -> Iterator[dict[str, object]]:
    for name, is_whole in _PARAMETER.findall(template):
        kind = "integer" if is_whole else "string"
        yield {"name": name, "in": "path", "required": True, "schema": {"type": kind}}
    if operation.query is not None:
        _, components = msgspec.json.schema_components([operation.query])
        asked = components[operation.query.__name__]
        for name, schema in asked["properties"].items():
            is_required = name in asked["required"]
            yield {"name": name, "in": "query", "required": is_required, "schema": schema}
    if method in _ACTS:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    elif operation.permission is not None:
        yield {"$ref": "#/components/parameters/ConsistencyToken"}
    yield {"$ref": "#/components/parameters/RequestId"}


def _statuses(template: str, method: str, operation: Operation) -> Iterator[HTTPStatus]:
    """Yield what an operation may be refused with."""
    yield from operation.refused
    yield HTTPStatus.BAD_REQUEST
    if operation.permission is not None:
        yield from (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    if method in _ACTS:
        yield HTTPStatus.CONFLICT
    if operation.body is not None:
        yield from (
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    if operation.body is not None or operation.query is not None or "{" in template:
        yield HTTPStatus.UNPROCESSABLE_ENTITY
    yield from (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _problems(schemas: _Schemas) -> Iterator[tuple[str, object]]:
    for status in errors.STATUS.values():
        kinds = refusals(status)
        codes = ", ".join(kind.code for kind in kinds)
        yield (
            status.name,
            {
                "description": f"{status.phrase}. Codes: {codes}." if codes else status.phrase,
                "headers": {
                    name: {"schema": {"type": "string"}} for name in errors.HEADERS.get(status, {})
                },
                "content": {errors.MEDIA_TYPE: {"schema": schemas.ref(Problem)}},
            },
        )


def _throttled() -> list[str]:
    return [kind.code for kind in refusals(HTTPStatus.TOO_MANY_REQUESTS)]


def _below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)
