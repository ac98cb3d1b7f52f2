"""A read is put to a replica, then to another one, for as long as that is of use."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from service.store.replicas import Reason, Replicas, Unanswered


def test_a_second_turn_is_waited_for_no_longer_than_the_replicas_may_cost(monkeypatch):
    """Asked when that time is over it could only fail, and a sound replica be taken for silent."""
    replicas, patience_s = Replicas(dsn="", connections_max=4), []
    began = time.monotonic()

    def lend(*, deadline, avoiding):
        patience_s.append(deadline - began)
        return SimpleNamespace(server=len(avoiding))

    def behind(*_, **__):
        raise Unanswered(Reason.TOKEN_AHEAD)

    monkeypatch.setattr(replicas, "_pool", SimpleNamespace(lend=lend))
    monkeypatch.setattr(replicas, "_answered", behind)
    with pytest.raises(Unanswered):
        replicas.read(lambda _: None, scope="*", deadline=began + 27, wanted=None)
    assert patience_s[0] == pytest.approx(27)
    assert patience_s[1] < 20
