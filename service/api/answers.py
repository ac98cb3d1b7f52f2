"""Answers: what a use case returned, as the bytes of an HTTP response."""

from __future__ import annotations

import hashlib

import msgspec

from service.api.requests import Request, Response
from service.domain.idempotency import Answer

PDF = "application/pdf"
encode = msgspec.json.Encoder(decimal_format="string").encode


def found(req: Request, resp: Response, value: object) -> None:
    """Answer with what was found, or that it is what the client has already (304)."""
    body = encode(value)
    if not _is_known(req, resp, body):
        resp.data = body


def printed(req: Request, resp: Response, document: bytes, *, name: str) -> None:
    """Answer with a PDF, to be saved under a name, or that it is what the client has already."""
    if _is_known(req, resp, document):
        return
    resp.content_type = PDF
    resp.set_header("content-disposition", f'inline; filename="{name}"')
    resp.data = document


def made(resp: Response, value: object, *, status: int) -> None:
    """Answer with what was made for this request alone, to be kept nowhere."""
    resp.status = status
    resp.data = encode(value)


def given(resp: Response, answer: Answer) -> None:
    """Answer with what was decided, word for word the same each time it is asked for."""
    resp.status = answer.status
    resp.data = answer.body
    resp.set_headers(answer.headers)


def _is_known(req: Request, resp: Response, body: bytes) -> bool:
    """Tell if the client has this body already; answer so."""
    tag = hashlib.sha256(body).hexdigest()[:32]
    resp.set_header("etag", f'"{tag}"')
    if tag not in (req.if_none_match or ()):
        return False
    resp.status = 304
    return True
