"""How long a session stands for its person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain import sign_ins
from service.domain.principals import Caller
from service.domain.sign_ins import Session, SessionMissing, SessionOver

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
CALLER = Caller(principal_id=1, name="li.ming", role="hall_clerk", bureau_id=1, session_id="5e55")
SESSION = Session(
    caller=CALLER,
    began_at=NOW - timedelta(hours=1),
    ends_at=NOW + timedelta(hours=9),
    ended_at=None,
    is_locked=False,
)


def test_a_living_session_stands_for_its_person():
    assert sign_ins.caller_of(SESSION, now=NOW) == CALLER


@pytest.mark.parametrize(
    "found",
    [
        None,
        replace(SESSION, ended_at=NOW - timedelta(seconds=1)),
        replace(SESSION, ends_at=NOW),
        replace(SESSION, is_locked=True),
    ],
    ids=["unknown", "ended", "past its shift", "locked in the moment that it began"],
)
def test_a_session_that_is_over_stands_for_nobody(found):
    with pytest.raises(SessionOver):
        sign_ins.caller_of(found, now=NOW)


def test_a_program_has_no_session():
    assert sign_ins.own_session(CALLER) == "5e55"
    with pytest.raises(SessionMissing):
        sign_ins.own_session(replace(CALLER, session_id=None))


def test_a_key_means_another_session_for_everybody():
    ids = {sign_ins.session_id(principal_id=n, key=key) for n in (1, 11) for key in ("1a", "a")}
    assert len(ids) == 4
