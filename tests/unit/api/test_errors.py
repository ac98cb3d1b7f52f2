from __future__ import annotations

import pytest

from service.api import app as _every_refusal_is_imported  # noqa: F401
from service.api.bodies import BodyInvalid, BodyMalformed, BodyTooLarge, KeyMissing
from service.api.errors import (
    HEADERS,
    STATUS,
    MediaTypeUnsupported,
    MethodNotAllowed,
    RequestMalformed,
    RouteUnknown,
    ServiceFailed,
    status_of,
)
from service.api.openapi import refusals
from service.domain.accounts import AccountUnknown
from service.domain.errors import Refusal
from service.domain.idempotency import KeyReused
from service.domain.payments import AmountNotPositive
from service.domain.permissions import RoleForbidden
from service.domain.tokens import TokenExpired
from service.store.pool import DatabaseAway


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (RequestMalformed, 400),
        (BodyMalformed, 400),
        (KeyMissing, 400),
        (TokenExpired, 401),
        (RoleForbidden, 403),
        (AccountUnknown, 404),
        (RouteUnknown, 404),
        (MethodNotAllowed, 405),
        (KeyReused, 409),
        (BodyTooLarge, 413),
        (MediaTypeUnsupported, 415),
        (AmountNotPositive, 422),
        (BodyInvalid, 422),
        (ServiceFailed, 500),
        (DatabaseAway, 503),
    ],
)
def test_a_refusal_is_answered_with_the_status_of_its_kind(refusal, status):
    assert status_of(refusal) == status


def every(kind):
    for child in kind.__subclasses__():
        yield child
        yield from every(child)


def test_no_refusal_of_the_service_is_without_a_status():
    assert all(status_of(kind) for kind in every(Refusal) if hasattr(kind, "code"))


def test_the_description_lists_each_refusal_once():
    listed = [kind for status in STATUS.values() for kind in refusals(status)]
    assert len(listed) == len(set(listed)) > 40


def test_who_must_wait_is_told_how_long_and_who_is_unknown_how_to_say_who_it_is():
    assert int(HEADERS[503]["Retry-After"]) > 0
    assert HEADERS[401]["WWW-Authenticate"].startswith("Bearer")
