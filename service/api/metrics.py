"""What the API counts of its requests; the names are catalogued in monitoring/catalogue.yml."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http import HTTPMethod
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from service.api.requests import Request, Response
from service.domain.errors import Busy, Refusal
from service.domain.id_tokens import IdTokenRefused
from service.domain.lockouts import SignInDelayed
from service.domain.sign_ins import SignInLocked, SignInRefused

# From a cached read to the deadline: what a failover makes wait must be seen, not lumped together.
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
_REQUESTS = Counter(
    "evergrid_http_requests_total",
    "Requests answered, by the route's template.",
    ["method", "route", "status"],
)
_SECONDS = Histogram(
    "evergrid_http_request_seconds",
    "From the headers read to the answer made.",
    ["method", "route"],
    buckets=_BUCKETS_S,
)
_METHODS = frozenset(HTTPMethod)
_SIGN_INS = Counter(
    "evergrid_sign_ins_total",
    "Attempts to prove who one is, by the way, with what became of them.",
    ["by", "result"],
)
# Never who: what is typed for a name may be a password, and names would make series without end.
_RESULTS: Mapping[type[Refusal], str] = {
    SignInRefused: "wrong",
    IdTokenRefused: "wrong",
    SignInDelayed: "delayed",
    SignInLocked: "locked",
    Busy: "away",
}


@cache
def counters(
    method: str, route: str, status: str
) -> tuple[Callable[[], None], Callable[..., None]]:
    """
    Return what counts one more request, and what takes its seconds.

    Kept for ever: there are as many as routes times statuses. Looking labels up costs more than
    counting.
    """
    return (
        _REQUESTS.labels(method, route, status).inc,
        _SECONDS.labels(method, route).observe,
    )


def count(*, method: str, route: str | None, status: str, seconds: float) -> None:
    """Count one answered request; a path without a route counts as `unknown`, whatever it was."""
    known = method if method in _METHODS else "other"
    add, observe = counters(known, route or "unknown", status)
    add()
    observe(seconds)


@contextmanager
def sign_in_counted(by: str) -> Iterator[None]:
    """
    Count an attempt to prove who one is by what becomes of it, once whatever is retried below.

    A refusal that says nothing about the proof (a key used before, no issuer here) is `other`.

    :param by: the way: password, issuer, or password_change for the one asked for again
    """
    result = "other"
    try:
        yield
        result = "ok"
    except Refusal as refusal:
        found = (name for kind, name in _RESULTS.items() if isinstance(refusal, kind))
        result = next(found, result)
        raise
    finally:
        _SIGN_INS.labels(by, result).inc()


class Metrics:
    """`/metrics`: what all processes of this host counted."""

    is_public = True

    def __init__(self, folder: Path | None) -> None:
        self._registry = REGISTRY
        if folder is not None:
            self._registry = CollectorRegistry()
            MultiProcessCollector(self._registry, str(folder))  # type: ignore[no-untyped-call]

    def on_get(self, _req: Request, resp: Response) -> None:
        """Answer in Prometheus' text format."""
        resp.content_type = CONTENT_TYPE_LATEST
        resp.data = generate_latest(self._registry)
