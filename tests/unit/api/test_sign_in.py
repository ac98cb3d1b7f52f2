"""Whose address a sign-in is counted against."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from service.api.sign_in import address_of


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("6.6.6.6, 10.1.2.3", "10.1.2.3"),  # what a client wrote itself comes before
        ("2001:DB8::7", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),  # PostgreSQL's inet knows no zones
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("10.0.0.1:5", "127.0.0.1"),
    ],
)
def test_the_address_is_what_the_load_balancer_saw(forwarded, address):
    req = SimpleNamespace(remote_addr="127.0.0.1", get_header=lambda _name, **_default: forwarded)
    assert address_of(req) == address
