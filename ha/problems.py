"""Problems: what the edge answers in its own name, in the form of the API's refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ha.limits import HEADERS_MAX, HEADERS_MAX_BYTES, URI_MAX_BYTES

# The same limit as the API's largest body: 10,000 lines of an account import fit three times.
BODY_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    A refusal (RFC 9457). `is_temporary`: the same request may succeed in `wait_s`.

    `wait_s` is in seconds, or HAProxy's expression of them. `policy` is the limit that was reached,
    as RateLimit-Policy calls it. `is_last`: the connection ends, because what the client goes on
    sending would be read as its next request.
    """

    status: int
    title: str
    code: str
    detail: str
    hint: str
    is_temporary: bool = False
    wait_s: str = "1"
    is_last: bool = False
    policy: str = ""

    @property
    def body(self) -> str:
        """The JSON as a HAProxy log format: the id of the request is filled in when answering."""
        document = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "hint": self.hint,
            "request_id": "%[var(txn.request_id)]",
        }
        return json.dumps(document)

    @property
    def headers(self) -> str:
        """What the answer carries beside its body, as arguments of HAProxy's `http-error`."""
        named = {"Retry-After": self.wait_s} if self.is_temporary else {}
        if self.is_last:
            named["Connection"] = "close"
        if self.policy:
            named["Retry-After"] = "%[var(txn.wait_s)]"
            named["RateLimit-Policy"] = (
                f'"{self.policy}";q=%[var(txn.quota)];w=%[var(txn.window_s)]'
            )
            named["RateLimit"] = f'"{self.policy}";r=0;t=%[var(txn.wait_s)]'
        return "".join(f" hdr {name} '{value}'" for name, value in named.items())

    @property
    def is_repeatable(self) -> bool:
        """Whether the client is to send the same again, over the same connection."""
        return bool(self.policy) or self.is_temporary

    @property
    def backend(self) -> str:
        """The backend that gives the answer, so that HAProxy counts each reason by itself."""
        return f"refused_{self.code.lower()}"


HIDDEN = Problem(
    status=404,
    title="Not found",
    code="NO_SUCH_RESOURCE",
    detail="nothing is found under this path",
    hint="See /docs for what there is.",
)
# What is refused for its size. The API never sees it.
TOO_LARGE = (
    Problem(
        status=413,
        title="Body too large",
        code="BODY_TOO_LARGE",
        detail=f"the body is larger than {BODY_MAX_BYTES} bytes",
        hint="Split the upload; an account import takes 10,000 lines a call.",
        is_last=True,
    ),
    Problem(
        status=414,
        title="URI too long",
        code="URI_TOO_LONG",
        detail=f"the path with its query is longer than {URI_MAX_BYTES} bytes",
        hint="Search for less at once.",
    ),
    Problem(
        status=431,
        title="Headers too large",
        code="HEADERS_TOO_LARGE",
        detail=f"there are more than {HEADERS_MAX} headers or {HEADERS_MAX_BYTES} bytes of them",
        hint="Leave out what /docs does not ask for, cookies first.",
    ),
)
# What is refused for its number; the headers RateLimit-Policy, RateLimit say more.
TOO_MANY = (
    Problem(
        status=429,
        title="Too many requests",
        code="UNPROVEN_LIMIT_REACHED",
        policy="unproven",
        detail="too many requests without a valid token came from this address",
        hint="Send a valid token, or wait the seconds in Retry-After.",
    ),
    Problem(
        status=429,
        title="Too many requests",
        code="PRINCIPAL_LIMIT_REACHED",
        policy="principal",
        detail="too many requests came with tokens of this principal",
        hint="Wait the seconds in Retry-After, then send fewer a second.",
    ),
    Problem(
        status=429,
        title="Too many requests",
        code="ADDRESS_LIMIT_REACHED",
        policy="address",
        detail="too many requests came from this address",
        hint="Wait the seconds in Retry-After, then send fewer a second.",
    ),
)
# What could not be answered in time. Whoever asks again is spread, or all would come at once.
QUEUE_FULL = Problem(
    status=503,
    title="Too much to do",
    code="QUEUE_FULL",
    detail="more requests wait than can be answered in time; this one was not carried out",
    hint="Wait the seconds in Retry-After, then send it again with the same Idempotency-Key.",
    is_temporary=True,
    wait_s="%[rand(10),add(2)]",
)
# A program that speaks HTTP where it should speak HTTPS.
IN_THE_OPEN = Problem(
    status=403,
    title="Not over TLS",
    code="NOT_OVER_TLS",
    detail="the request, with whatever secret it carries, came unencrypted",
    hint="Use https; if a token was sent, have it revoked: others may have read it.",
    is_last=True,
)
REFUSALS = (HIDDEN, *TOO_LARGE, *TOO_MANY, QUEUE_FULL, IN_THE_OPEN)
# In place of HAProxy's own pages.
ERRORS = (
    Problem(
        status=400,
        title="Not HTTP",
        code="REQUEST_MALFORMED",
        detail="the request line or a header cannot be read",
        hint="Check the client: this is not a question of its data.",
    ),
    Problem(
        status=408,
        title="Request incomplete",
        code="REQUEST_INCOMPLETE",
        detail="the request did not arrive whole within 10 seconds",
        hint="Send it again with the same Idempotency-Key.",
        is_temporary=True,
    ),
    Problem(
        status=500,
        title="Edge failed",
        code="EDGE_FAILED",
        detail="the load balancer could not handle the request",
        hint="Send it again with the same Idempotency-Key; tell operations if it stays so.",
        is_temporary=True,
    ),
    Problem(
        status=502,
        title="Answer lost",
        code="ANSWER_LOST",
        detail="the API host ended before it answered; the request may have been carried out",
        hint="Send it again with the same Idempotency-Key: it takes effect once.",
        is_temporary=True,
    ),
    Problem(
        status=503,
        title="No API host",
        code="API_UNREACHABLE",
        detail="no API host answered in time; one that ended may have carried the request out",
        hint="Send it again with the same Idempotency-Key.",
        is_temporary=True,
    ),
    Problem(
        status=504,
        title="Answer late",
        code="ANSWER_LATE",
        detail="the API did not answer in time; the request may have been carried out",
        hint="Send it again with the same Idempotency-Key: it takes effect once.",
        is_temporary=True,
    ),
)
