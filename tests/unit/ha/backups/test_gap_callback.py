"""What Patroni calls when a host becomes primary: it comes after all that clients wait for."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys

import pytest
import yaml

from tests.unit.ha.regenerate import rendered

# Stands in for the release's Python: notes how it was called.
PYTHON = """#!{python}
import json, os, sys
known = [sys.argv[1:], os.getpid(), os.getsid(0), os.nice(0)]
open({noted!r}, "w").write(json.dumps(known))
"""


@pytest.fixture
def call(tmp_path):
    """Call the callback as Patroni does; return its pid, and what was noted of the call."""
    noted = tmp_path / "noted"
    python = tmp_path / "python"
    python.write_text(PYTHON.format(python=sys.executable, noted=str(noted)))
    python.chmod(0o755)
    command = yaml.safe_load(rendered()["db1/patroni.yml"])["postgresql"]["callbacks"]
    command = command["on_role_change"].replace("sleep 5", "sleep 0")
    command = re.sub(r"\S+/bin/python", str(python), command)

    def called(role):
        argv = [*shlex.split(command), "on_role_change", role, "main"]
        with subprocess.Popen(argv) as callback:
            callback.wait(timeout=20)
        return callback.pid, json.loads(noted.read_text()) if noted.exists() else None

    return called


def test_a_new_primary_looks_for_gaps_in_a_session_of_its_own(call):
    """As the very process that Patroni ends when another host is to lead."""
    pid, (arguments, *seen) = call("primary")
    assert arguments == [
        "-m", "ha.backups.gap", "--stanza=main", "--port=5432", "on_role_change", "primary", "main",
    ]  # fmt: skip
    assert seen == [pid, pid, 19]


def test_a_replica_looks_for_none(call):
    assert call("replica")[1] is None
