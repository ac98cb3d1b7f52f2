"""promtool: Prometheus' own judge of rule files."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

# All tests take it two seconds of a core. On a machine that is busy with fifty other things that
# was seen to last 50 s; more than twice that is a hang.
_TIMEOUT_S = 120


class PromtoolRefused(Exception):
    """promtool found a fault, or could not be run; the message is what it said."""


def check(rule_files: Sequence[Path]) -> str:
    """
    Return promtool's report on the syntax of `rule_files`.

    :raises PromtoolRefused: if one of them is not valid
    """
    return _run("check", "rules", *map(str, rule_files))


def test(test_files: Sequence[Path]) -> str:
    """
    Return promtool's report on `test_files`.

    :raises PromtoolRefused: if an expectation is not met
    """
    return _run("test", "rules", *map(str, test_files))


def _run(*arguments: str) -> str:
    """Run promtool to its end; what it says comes on either of its outputs."""
    try:
        done = subprocess.run(
            ("promtool", *arguments),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PromtoolRefused(f"promtool could not be run: {error}") from error
    said = f"{done.stdout}{done.stderr}".strip()
    if done.returncode:
        raise PromtoolRefused(said)
    return said
