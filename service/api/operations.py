"""What a responder promises to its callers, written beside it for the description of the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

R = TypeVar("R", bound=Callable[..., None])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """
    One method of one path.

    `permission` names the row of `permissions.OPERATIONS` that its use case checks, None where no
    token is needed. `answer` is what `status` is answered with; `refused` are the statuses beside
    those that follow from the rest.
    """

    summary: str
    permission: str | None
    answer: type
    answer_media_type: str = "application/json"
    status: int = 200
    body: type[msgspec.Struct] | None = None
    body_media_type: str = "application/json"
    query: type[msgspec.Struct] | None = None
    example: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[HTTPStatus, ...] = ()


def promises(operation: Operation) -> Callable[[R], R]:
    """Write `operation` beside a responder, which stays as it is."""

    def remember(responder: R) -> R:
        responder.operation = operation  # type: ignore[attr-defined]  # functions carry attributes
        return responder

    return remember


def of(responder: Callable[..., None]) -> Operation | None:
    """Return what a responder promises, or None if that is not part of the description."""
    found: Operation | None = getattr(responder, "operation", None)
    return found
