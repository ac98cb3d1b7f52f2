"""What an answer must be, whatever was asked: no failure, a problem if it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fuzz.drafts import Case
from tests.fuzz.servers import Answered

_REFUSED, _FAILED = 400, 500
_NOT_MODIFIED = 304
_PROBLEM = {"type", "title", "status", "code", "detail", "hint", "request_id"}
_CODE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
# What may be said of any request before anybody looks at which operation it is.
_BEFORE = {400, 401, 404, 405}


class Judge:
    """Judges answers by the description of the API."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Take the statuses that each operation promises."""
        self._promised = {
            f"{method.upper()} {template}": {int(status) for status in described["responses"]}
            for template, methods in document["paths"].items()
            for method, described in methods.items()
        }

    def faults(self, case: Case, answered: Answered) -> list[str]:
        """Return what is wrong with an answer, a sentence each."""
        if answered.crash:
            return [f"nothing came back: {answered.crash}"]
        return [
            *_of_any(answered),
            *self._of_operation(case, answered),
            *_of_refusal(case, answered),
        ]

    def _of_operation(self, case: Case, answered: Answered) -> Iterator[str]:
        """A request that still is what it was made from gets what its operation promises."""
        promised = self._promised.get(case.operation)
        is_bare = re.split(r"[?#]", case.target, maxsplit=1)[0] in {"", "/"}  # leads to the docs
        is_same = case.method == case.operation.partition(" ")[0] and not is_bare
        is_known = answered.status in {_NOT_MODIFIED, *_BEFORE} or not promised or not is_same
        if not is_known and answered.status not in (promised or set()):
            yield f"{answered.status} is not promised"


def _of_any(answered: Answered) -> Iterator[str]:
    if answered.status >= _FAILED:
        yield f"{answered.status}: the service failed"
    if not answered.headers.get("x-request-id"):
        yield "the answer has no x-request-id"
    for name, value in answered.headers.items():
        if not value.isascii() or not value.isprintable():
            yield f"the header {name} cannot be sent: {value!a}"


def _of_refusal(case: Case, answered: Answered) -> Iterator[str]:
    if answered.status < _REFUSED:
        return
    media_type = answered.headers.get("content-type")
    if media_type != "application/problem+json":
        yield f"{answered.status} with {media_type} is no problem"
    if case.method == "HEAD":
        return
    try:
        problem = json.loads(answered.body)
    except ValueError as error:
        yield f"the problem cannot be read: {error}"
        return
    if missing := _PROBLEM - problem.keys():
        yield f"the problem has no {', '.join(sorted(missing))}"
    elif problem["status"] != answered.status or not _CODE.fullmatch(problem["code"]):
        yield f"the problem says {problem['status']} {problem['code']}"
