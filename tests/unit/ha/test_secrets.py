"""Passwords are random, safe to write into any file, never shown."""

from __future__ import annotations

import re
from dataclasses import asdict

from ha.secrets import generate


def test_no_two_passwords_are_the_same():
    first, second = generate(), generate()
    found = [*asdict(first).values(), *asdict(second).values()]
    assert len(set(found)) == len(found)


def test_no_file_has_to_escape_a_password():
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", value) for value in asdict(generate()).values())


def test_a_log_that_names_the_secrets_shows_none():
    secrets = generate()
    assert not any(value in f"{secrets} {secrets!r}" for value in asdict(secrets).values())
