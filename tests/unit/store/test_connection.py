"""An operator's command waits for a primary, but not for a password to become right."""

from __future__ import annotations

import psycopg2
import pytest

from service.store import connection
from service.store.connection import connect_patiently

REFUSED = 'connection to server at "127.0.0.1", port 5000 failed: Connection refused'
STARTING = "FATAL:  the database system is starting up"
WRONG = 'FATAL:  password authentication failed for user "postgres"'


@pytest.fixture
def server(monkeypatch):
    """Return what lets a server say these sentences, then accept."""
    asked = []

    connect_really = psycopg2.connect

    def says(*sentences):
        waiting = list(sentences)

        def connect(dsn, **options):
            if dsn != "dsn":  # a prober of another test's, which knocks for as long as nobody opens
                return connect_really(dsn, **options)
            asked.append(dsn)
            if waiting:
                raise psycopg2.OperationalError(waiting.pop(0))
            return "a connection"

        monkeypatch.setattr(connection.psycopg2, "connect", connect)
        return asked

    monkeypatch.setattr(connection, "_PAUSE_S", 0.0)
    return says


def test_whoever_comes_in_a_failover_or_a_start_waits(server):
    asked = server(REFUSED, STARTING, REFUSED)
    assert connect_patiently("dsn") == "a connection"
    assert len(asked) == 4


def test_a_wrong_password_is_told_at_once(server):
    asked = server(WRONG)
    with pytest.raises(psycopg2.OperationalError, match="password"):
        connect_patiently("dsn")
    assert len(asked) == 1


def test_patience_has_an_end(server, monkeypatch):
    server(REFUSED, REFUSED)
    monkeypatch.setattr(connection, "_PATIENCE_S", -1.0)
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        connect_patiently("dsn")
