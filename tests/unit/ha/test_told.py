"""A command is told its variables on standard input, and nothing else of its caller's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_a_command_has_the_user_and_the_variables_it_was_given():
    done = subprocess.run(
        [sys.executable, "-m", "ha.told", "nobody", "/bin/sh", "-c", "id -un; pwd; env"],
        input='{"PASSWORD": "a secret"}',
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/nowhere", "OURS": "not theirs"},
        check=True,
    )
    user, folder, *variables = done.stdout.splitlines()
    assert (user, folder) == ("nobody", "/")
    assert "PASSWORD=a secret" in variables
    assert not [line for line in variables if "OURS" in line or "/nowhere" in line]
