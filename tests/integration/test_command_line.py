"""The operator's commands around tokens and staff, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from service.__main__ import commands
from tests.integration.sign_ins import NUMBERS

PASSWORD = "first of many words"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(migrated):
    """Run a command; return what it printed."""

    def ran(*arguments, typed=None, is_fine=True):
        done = subprocess.run(
            [sys.executable, "-m", "service", *arguments],
            env=os.environ | {"EVERGRID_OWNER_DSN": migrated.dsn("evergrid_owner")},
            input=typed, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) is is_fine, done.stderr
        return done.stdout if is_fine else done.stderr

    return ran


def test_a_token_is_issued_listed_and_taken_back(run, client):
    name = f"bank {next(NUMBERS)}"
    issued = run("token", "issue", "--name", name, "--role", "channel", "--bureau", "1",
                 "--only", "prices.read", "--only", "payments.take").strip()  # fmt: skip
    [listed] = [json.loads(line) for line in run("token", "list", "--name", name).splitlines()]
    assert sorted(listed["limited_to"]) == ["payments.take", "prices.read"]
    assert (listed["revoked_at"], listed["last_used_at"]) == (None, None)
    assert issued not in json.dumps(listed)

    run("token", "revoke", "--name", name, "--token-id", listed["token_id"])
    [listed] = [json.loads(line) for line in run("token", "list", "--name", name).splitlines()]
    assert listed["revoked_at"] is not None
    assert "PERMISSION_UNKNOWN" in run(
        "token", "issue", "--name", name, "--role", "channel", "--bureau", "1",
        "--only", "bill_runs.start", is_fine=False,
    )  # fmt: skip


def test_a_month_without_bills_prints_none_and_says_so(run, migrated, tmp_path):
    migrated.superuser("INSERT INTO evergrid.bureau VALUES (1, 'One') ON CONFLICT DO NOTHING")
    into = tmp_path / "bills"
    asked = ("--bureau", "1", "--into", str(into))
    assert "0 bills of 2001-01" in run("bill-documents", "--month", "2001-01", *asked)
    assert list(into.iterdir()) == []
    assert "MONTH_MALFORMED" in run("bill-documents", "--month", "January", *asked, is_fine=False)


def test_the_first_administrator_is_added_by_a_password_that_no_argument_names(run, migrated):
    name = f"first.{next(NUMBERS)}"
    told = run("staff", "add", "--user-name", name, "--full-name", "王芳", typed=f"{PASSWORD}\n")

    assert name in told
    assert PASSWORD not in told
    [(role, bureau, must_change)] = migrated.superuser(
        "SELECT role, staff.bureau_id, must_change_password FROM evergrid.staff "
        f"JOIN evergrid.principal USING (principal_id) WHERE name = '{name}'"
    )
    assert (role, bureau, must_change) == ("administrator", None, True)
    refused = run(
        "staff", "add", "--user-name", name, "--full-name", "王芳", typed="short\n", is_fine=False
    )
    assert "PASSWORD_LENGTH_REFUSED" in refused
    assert "short\n" not in refused


def test_no_command_takes_a_secret_that_the_process_list_would_show():
    def parameters(command, path):
        for name, child in getattr(command, "commands", {}).items():
            yield from parameters(child, f"{path} {name}")
        for parameter in command.params:
            yield path, {word for option in parameter.opts for word in re.split(r"\W+", option)}

    found = list(parameters(typer.main.get_command(commands), "evergrid-service"))
    shown = [path for path, words in found if words & {"password", "secret", "key", "dsn"}]
    assert len(found) > 10
    assert shown == []
