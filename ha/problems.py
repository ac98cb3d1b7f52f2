"""Problems: what the edge answers in its own name, in the form of the API's refusals."""

from __future__ import annotations

import json
from dataclasses import dataclass

# The same limit as the API's largest body: 10,000 lines of an account import fit three times.
BODY_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A refusal (RFC 9457). `is_temporary`: the same request may succeed in a second."""

    status: int
    title: str
    code: str
    detail: str
    hint: str
    is_temporary: bool = False

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
        return " hdr Retry-After 1" if self.is_temporary else ""


HIDDEN = Problem(
    status=404,
    title="Not found",
    code="NO_SUCH_RESOURCE",
    detail="nothing is found under this path",
    hint="See /docs for what there is.",
)
TOO_LARGE = Problem(
    status=413,
    title="Body too large",
    code="BODY_TOO_LARGE",
    detail=f"the body is larger than {BODY_MAX_BYTES} bytes",
    hint="Split the upload; an account import takes 10,000 lines a call.",
)
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
        detail="no API host took the request in time; it was not carried out",
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
