"""The pool of the replicas opens few connections; whoever comes later waits for a turn."""

from __future__ import annotations

import threading
import time

import pytest

from service.store import replica_pool
from service.store.replica_pool import ReplicaPool


class Connection:
    """Stands in for a connection to a replica."""

    def __init__(self):
        self.opened_s = time.monotonic()

    def is_stale(self):
        return False

    def close(self):
        pass


@pytest.fixture
def opened(monkeypatch):
    """The connections that were opened."""
    found = []

    def connect(_dsn):
        found.append(Connection())
        return found[-1]

    monkeypatch.setattr(replica_pool, "connect", connect)
    monkeypatch.setattr(replica_pool.reading, "answer_to", lambda *_: "1 0/0 run")
    for patience in ("_OPENED_S", "_TURN_S"):
        monkeypatch.setattr(replica_pool, patience, 10.0)
    return found


@pytest.fixture
def pool(opened):
    return ReplicaPool(dsn="", connections_max=16)


def lend(pool):
    return pool.lend(deadline=time.monotonic() + 10)


def test_as_few_are_opened_as_are_enough(pool, opened):
    lent = [lend(pool) for _ in range(4)]
    assert None not in lent
    got = []
    waiting = threading.Thread(target=lambda: got.append(lend(pool)))
    waiting.start()
    time.sleep(0.1)
    assert got == []
    pool.give_back(lent[0])
    waiting.join(5)
    assert got == [lent[0]]
    assert len(opened) == 4


def test_whoever_waits_too_long_for_a_turn_asks_the_primary(pool, monkeypatch):
    for _ in range(4):
        lend(pool)
    monkeypatch.setattr(replica_pool, "_TURN_S", 0.05)
    assert lend(pool) is None
