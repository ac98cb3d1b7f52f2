"""Limits of requests, which the edge holds: what the description of the API says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service.api.errors import MEDIA_TYPE

# The same in ha/problems.py.
CODES = ("ADDRESS_LIMIT_REACHED", "PRINCIPAL_LIMIT_REACHED", "UNPROVEN_LIMIT_REACHED")
# Source: draft-ietf-httpapi-ratelimit-headers-11, sections 3, 4 (structured fields, RFC 9651).
HEADERS: Mapping[str, Mapping[str, object]] = {
    "RateLimit-Policy": {
        "description": "The limit that this request counts towards: `q` requests in `w` seconds.",
        "schema": {"type": "string", "pattern": '^"[a-z]+";q=[0-9]+;w=[0-9]+$'},
        "example": '"principal";q=90000;w=30',
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests for the next `t` seconds.",
        "schema": {"type": "string", "pattern": '^"[a-z]+";r=[0-9]+;t=[0-9]+$'},
        "example": '"principal";r=89999;t=30',
    },
}
_RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}


def refused(problem: Mapping[str, Any], *, ours: Iterable[str]) -> dict[str, object]:
    """
    Return the answer to a request too many; `problem` is the schema of its body.

    :param ours: the codes of what the API itself answers so, beside the edge
    """
    return {
        "description": f"Too Many Requests. Codes: {', '.join(sorted([*CODES, *ours]))}.",
        "headers": {"Retry-After": _RETRY_AFTER, **HEADERS},
        "content": {MEDIA_TYPE: {"schema": problem}},
    }
