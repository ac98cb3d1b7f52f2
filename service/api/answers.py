"""Answers: what a use case returned, as the bytes of an HTTP response."""

from __future__ import annotations

import hashlib

import msgspec

from service.api.requests import Request, Response
from service.domain.idempotency import Answer

encode = msgspec.json.Encoder(decimal_format="string").encode


def found(req: Request, resp: Response, value: object) -> None:
    """Answer with what was found, or that it is what the client has already (304)."""
    body = encode(value)
    tag = hashlib.sha256(body).hexdigest()[:32]
    resp.set_header("etag", f'"{tag}"')
    if tag in (req.if_none_match or ()):
        resp.status = 304
    else:
        resp.data = body


def made(resp: Response, value: object, *, status: int) -> None:
    """Answer with what was made for this request alone, to be kept nowhere."""
    resp.status = status
    resp.data = encode(value)


def given(resp: Response, answer: Answer) -> None:
    """Answer with what was decided, word for word the same each time it is asked for."""
    resp.status = answer.status
    resp.data = answer.body
    resp.set_headers(answer.headers)
