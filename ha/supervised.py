"""Supervised: how the lab's supervisor is told what systemd knows how to do by itself."""

from __future__ import annotations

from dataclasses import dataclass

from ha.programs import Program


@dataclass(frozen=True, slots=True)
class Supervised:
    """A program as supervisord.conf names it: what is run, as which user, with which variables."""

    command: str
    user: str
    environment: str


def supervised(program: Program) -> Supervised:
    """Return `program` with its priorities, rights and variables put into its command."""
    command = _with_priority(_with_rights(_with_input_and_variables(program), program), program)
    environment = ",".join(f'{name}="{value}"' for name, value in program.environment)
    return Supervised(command, "root" if _starts_as_root(program) else program.user, environment)


def _with_input_and_variables(program: Program) -> str:
    """
    Return the command with the variables of service.env, with an input that ends.

    PostgreSQL inherits Patroni's standard input: a backend that outlives a killed postmaster may
    read from it (seen), and must find its end there, as under systemd.
    """
    if program.is_told:
        told = f"set -a && . /etc/evergrid/service.env && set +a && exec {program.command}"
        return f'/bin/sh -c "{told}"'
    if not program.takes_children:
        return f'/bin/sh -c "exec {program.command} </dev/null"'
    return program.command


def _with_rights(command: str, program: Program) -> str:
    if not _starts_as_root(program):
        return command
    granted = ",".join(f"+{capability}" for capability in program.capabilities)
    return (
        f"/usr/bin/setpriv --reuid={program.user} --regid={program.user} --init-groups "
        f"--inh-caps={granted} --ambient-caps={granted} {command}"
    )


def _with_priority(command: str, program: Program) -> str:
    if program.realtime:
        return f"/usr/bin/chrt --rr {program.realtime} {command}"
    return f"nice -n {program.nice} {command}" if program.nice else command


def _starts_as_root(program: Program) -> bool:
    """Test if rights have to be handed to a user who has none; root has them all."""
    return program.user != "root" and bool(program.capabilities)
