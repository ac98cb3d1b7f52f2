"""Passwords are hashed beside the event loop, a few at a time."""

from __future__ import annotations

import time
from types import SimpleNamespace

import gevent
import pytest

from service.usecases import hashing
from service.usecases.hashing import Hashing, SignInsCrowded

PASSWORD = "a password of tests"


@pytest.fixture(scope="module")
def cheap():
    return Hashing(memory_kib=64, passes=1)


def test_a_password_is_right_or_wrong(cheap):
    known = cheap.hash(PASSWORD)

    assert known.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert cheap.is_right(PASSWORD, known)
    assert not cheap.is_right(PASSWORD + " ", known)


def test_a_wrong_password_is_no_news_to_the_log(cheap, capfd):
    cheap.is_right("a wrong one", cheap.hash(PASSWORD))
    cheap.is_right("a wrong one", None)
    gevent.sleep(0.01)

    assert capfd.readouterr() == ("", "")


def test_the_same_password_has_another_hash_each_time(cheap):
    assert cheap.hash(PASSWORD) != cheap.hash(PASSWORD)


def test_every_keyboard_types_the_same_password(cheap):
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"

    assert cheap.is_right(decomposed, cheap.hash(composed))


@pytest.mark.parametrize("password", ["", PASSWORD, hashing._NOBODYS])
def test_nobody_has_a_password(cheap, password):
    assert not cheap.is_right(password, None)


def test_a_hash_costs_what_guessing_should():
    # OWASP's least: 19 MiB with two passes.
    assert (hashing._MEMORY_KIB, hashing._PASSES) >= (19 * 1024, 2)
    assert Hashing()._hasher.type.name == "ID"


def test_the_other_requests_go_on_while_a_password_is_hashed():
    dear, turns = Hashing(), 0

    def turn():
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0.001)

    turning = gevent.spawn(turn)
    dear.hash(PASSWORD)
    turning.kill()

    # Hashed in the loop itself, it would turn once. The least that proves a thread, however busy
    # the machine is.
    assert turns > 5


def test_who_would_wait_too_long_is_sent_away(monkeypatch):
    monkeypatch.setattr(hashing, "_WAITING_MAX", 2)
    slow = Hashing(memory_kib=64, passes=1)
    slow._hasher = SimpleNamespace(hash=lambda _password: time.sleep(0.05) or "hashed")
    waiting = [gevent.spawn(slow.hash, PASSWORD) for _ in range(2)]
    gevent.sleep(0.01)

    with pytest.raises(SignInsCrowded):
        slow.hash(PASSWORD)
    gevent.joinall(waiting)
    assert slow.hash(PASSWORD) == "hashed"
