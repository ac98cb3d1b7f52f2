"""A running Prometheus, asked over HTTP what it sees."""

from __future__ import annotations

from http.client import HTTPException
from typing import TypeVar
from urllib.request import urlopen

import msgspec

_Data = TypeVar("_Data")
# It answers from memory: a Prometheus that needs longer is in trouble itself.
_TIMEOUT_S = 5


class PrometheusAway(Exception):
    """No usable answer came; the message says from where."""


class ActiveAlert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An alert whose condition holds now; `state` is pending until its `for` has passed."""

    state: str
    labels: dict[str, str]
    annotations: dict[str, str]
    active_at: str

    @property
    def name(self) -> str:
        """Return the name of the rule, which is the name of its runbook."""
        return self.labels["alertname"]


class Target(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One process Prometheus asks; `health` is up, down or unknown."""

    labels: dict[str, str]
    health: str
    last_error: str


class _Alerts(msgspec.Struct):
    alerts: list[ActiveAlert]


class _Targets(msgspec.Struct, rename="camel"):
    active_targets: list[Target]


class _Answer(msgspec.Struct):
    data: msgspec.Raw


def alerts(url: str) -> list[ActiveAlert]:
    """
    Return the alerts of the Prometheus at `url`: pages first, firing before pending, then by name.

    :raises PrometheusAway: if it gives no usable answer
    """
    found = _ask(url, "/api/v1/alerts", _Alerts).alerts
    return sorted(
        found, key=lambda alert: (alert.labels.get("severity", ""), alert.state, alert.name)
    )


def targets(url: str) -> list[Target]:
    """
    Return what the Prometheus at `url` scrapes: who does not answer first, then by job, host.

    :raises PrometheusAway: if it gives no usable answer
    """
    found = _ask(url, "/api/v1/targets?state=active", _Targets).active_targets
    return sorted(found, key=lambda target: (target.health == "up", *_place(target)))


def _place(target: Target) -> tuple[str, str]:
    """Return the job and the host of `target`."""
    return target.labels.get("job", ""), target.labels.get("host", "")


def _ask(url: str, path: str, data: type[_Data]) -> _Data:
    """Return the `data` of Prometheus' answer to GET `path`."""
    if not url.startswith(("http://", "https://")):
        raise PrometheusAway(f"{url!r} is not an http URL")
    try:
        with urlopen(f"{url.rstrip('/')}{path}", timeout=_TIMEOUT_S) as answer:  # noqa: S310 - checked above
            return msgspec.json.decode(_read(answer.read()), type=data)
    except (OSError, HTTPException, msgspec.DecodeError) as error:
        raise PrometheusAway(f"{url} gave no usable answer: {error}") from error


def _read(body: bytes) -> msgspec.Raw:
    """Return what Prometheus wrapped into its envelope."""
    return msgspec.json.decode(body, type=_Answer).data
