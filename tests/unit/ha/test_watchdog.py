"""systemd gets a sign of life where it wants one."""

from __future__ import annotations

import socket

import pytest

from ha import watchdog


@pytest.fixture(params=["a path", "abstract"])
def systemd(request, monkeypatch, tmp_path):
    """What listens as systemd does, at a path or in the abstract namespace."""
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name if request.param == "abstract" else name)
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name if request.param == "abstract" else name)
        yield listening


def test_a_sign_of_life_arrives(systemd):
    watchdog.sign()
    assert systemd.recv(100) == b"WATCHDOG=1"


def test_nobody_waits_for_a_systemd_that_does_not_read(systemd):
    for _ in range(10_000):
        watchdog.sign()
    assert systemd.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify"])
def test_without_systemd_nothing_is_said(monkeypatch, address):
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    watchdog.sign()
