"""The commands of the runbooks exist: whoever is called at three has no time for a typing error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

import failover_tests.__main__
import ha.__main__
import monitoring.__main__
from ha import programs, topology

ROOT = Path(__file__).parents[3]
RUNBOOKS = sorted((ROOT / "monitoring/runbooks").glob("*.md"))
COMMANDS = {
    "evergrid-drill": typer.main.get_command(failover_tests.__main__.app),
    "evergrid-ha": typer.main.get_command(ha.__main__.commands),
    "evergrid-monitor": typer.main.get_command(monitoring.__main__.main),
}
HOSTS = {host.name: host for host in topology.load().hosts}
# Whichever the alert names, whichever is the primary now.
NOT_A_NAME = {"HOST", "PRIMARY", "PROGRAM"}

each_runbook = pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)


def quoted(path):
    """Every command between backquotes or on a line of its own, as words."""
    for code in re.findall(r"`(evergrid-[^`]+)`", path.read_text(encoding="utf-8")):
        yield code.split()


def resolve(words):
    """Return the command of `words` with its arguments; none if there is no such command."""
    command, rest = COMMANDS[words[0]], words[1:]
    while rest and hasattr(command, "commands"):
        if rest[0] not in command.commands:
            return None
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


def programs_of(host):
    return {program.name for program in programs.of(host, topology=topology.load(), release="")}


@each_runbook
def test_a_runbook_names_commands_that_exist(path):
    assert [words for words in quoted(path) if resolve(words) is None] == []


@each_runbook
def test_a_runbook_names_hosts_that_exist(path):
    named = {
        word
        for words in quoted(path)
        for word in re.findall(r"\b(?:db|dcs|app|lb|mon|backup)\d\b", " ".join(words))
    }
    assert named <= HOSTS.keys()


@each_runbook
def test_a_runbook_names_programs_that_run_there(path):
    for words in quoted(path):
        command, rest = resolve(words)
        is_aimed = command.name in {"kill", "freeze", "thaw", "logs"} and len(rest) > 1
        if is_aimed and not NOT_A_NAME & set(rest[:2]):
            assert rest[1] in programs_of(HOSTS[rest[0]]), " ".join(words)
