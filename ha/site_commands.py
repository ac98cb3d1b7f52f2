"""The commands `evergrid-ha site`: what Ansible asks about one site, or has done there."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ha import certificates, deployment, dynamic, readback, rules
from ha import render as templates
from ha import switchover as procedure
from ha.backups import repository as backups
from ha.backups import targets
from ha.deployment import Kept
from ha.dynamic import SettingsRefused
from ha.identity import Identity
from ha.origin import Origin
from ha.rest import RestSilent
from ha.site import Site
from ha.terminal import console
from ha.topology import Topology, TopologyWrong

# What an operator can mend, each a sentence: `evergrid-ha` shows it without a traceback.
REFUSALS = (
    SettingsRefused,
    procedure.SwitchoverRefused,
    procedure.SwitchoverFailed,
    RestSilent,
)

group = typer.Typer(no_args_is_help=True, help="A data centre on real hosts.")
Folder = Annotated[Path, typer.Argument(metavar="SITE", help="The folder with its topology.toml.")]


class NotWell(Exception):
    """A data centre is not as it should be, or not as this checkout would have it."""


@group.command("found")
def found(site: Folder) -> None:
    """Make the passwords and certificates of a new site; encrypt them with `ansible-vault`."""
    path = deployment.found(site)
    console.print(f"{path} holds every secret of the site. Now: ansible-vault encrypt {path}")


@group.command("inventory")
def inventory(site: Folder) -> None:
    """Print Ansible's inventory."""
    _print(json.dumps(deployment.inventory(deployment.read(site)), indent=2))


@group.command("check")
def check(
    site: Folder,
    without: Annotated[str, typer.Option(help="As if this host were not there.")] = "",
    caller: Annotated[str, typer.Option("--from", help="An address that must be let in.")] = "",
) -> None:
    """Tell every reason for which the topology of the site is not safe; exit code 1 if any."""
    topology = deployment.read(site)
    if caller and not deployment.is_operator(topology, caller):
        allowed = ", ".join(topology.operators)
        raise TopologyWrong(f"{caller} would be shut out: operators come from {allowed}")
    if without:
        gone = topology.host(without)
        topology = replace(topology, hosts=tuple(h for h in topology.hosts if h != gone))
    if broken := rules.broken(topology):
        raise TopologyWrong("\n".join(("this topology is not safe:", *broken)))
    console.print(f"{site} is safe.")


@group.command("render")
def render(
    site: Folder,
    release: Annotated[str, typer.Option(help="The folder that hosts run the product from.")],
    out: Annotated[Path, typer.Option(help="Where to write; for its owner alone.")],
    origin: Annotated[str, typer.Option(help="What `origin` printed, for a restore.")] = "",
) -> None:
    """Write every file of every host; the text of `site.json` comes from standard input."""
    born_from = msgspec.json.decode(origin, type=Origin) if origin else None
    topology, told = deployment.read(site), _told()
    for path in deployment.write(topology, told, release=release, out=out, origin=born_from):
        _print(path)


@group.command("certify")
def certify(
    site: Folder,
    step: Annotated[
        str,
        typer.Argument(help="renew; or announce, succeed, retire, to replace the authority too."),
    ] = "renew",
) -> None:
    """Read `site.json` from standard input; write it with other certificates to standard output."""
    sys.stdout.buffer.write(deployment.certified(deployment.read(site), _told(), step))


@group.command("origin")
def origin(
    stanza: Annotated[str, typer.Argument(metavar="SOURCE", help="The name of the source.")],
    repository: Annotated[str, typer.Option(help="Its repository, on our backup host.")],
    until: Annotated[
        str, typer.Option(help="A time, business time unless it has an offset; empty: all.")
    ] = "",
) -> None:
    """Print where to restore from; what `pgbackrest info` printed comes from standard input."""
    target = targets.read(until) if until else None
    contents = backups.parse(_told().decode(), stanza=stanza)
    chosen = targets.choose(contents, target=target, now=datetime.now(UTC))
    found = Origin(
        stanza=stanza,
        repository=repository,
        backup=chosen.label,
        until=targets.as_postgresql(target) if target else None,
    )
    _print(msgspec.json.encode(found).decode())


@group.command("administration")
def administration(site: Folder) -> None:
    """Print the variables, passwords among them, of commands that make roles or migrate."""
    _print(json.dumps(deployment.administration(deployment.read(site), _told())))


@group.command("settings")
def settings(
    site: Folder,
    is_dry: Annotated[bool, typer.Option("--check", help="Change nothing.")] = False,
) -> None:
    """Have Patroni share the settings of this checkout; a line for each that is not shared yet."""
    topology, known = deployment.read(site), deployment.kept(_told())
    database = topology.with_role("database")[0].name
    texts = templates.render(topology, known.secrets, release="")
    with _asked(topology, known) as asked:
        wanted = dynamic.wanted(texts[f"{database}/patroni.yml"])
        changes = dynamic.difference(wanted, dynamic.read(asked))
        for sentence in dynamic.sentences(changes):
            _print(sentence)
        if changes and not is_dry:
            dynamic.tell(asked, changes)


@group.command("switchover")
def switchover(
    site: Folder,
    to: Annotated[str | None, typer.Option(help="The host that is to lead.")] = None,
) -> None:
    """Let another database host lead; clients wait for less than a second, none sees an error."""
    with _asked(deployment.read(site), deployment.kept(_told())) as asked:
        report = procedure.switch_over(asked, to=to, say=_print)
    _print(f"{report.new} leads; writes waited for {report.unwritable_s} s.")


@group.command("leader")
def leader(site: Folder) -> None:
    """Print the database host that takes writes; exit code 1 unless there is exactly one."""
    with _asked(deployment.read(site), deployment.kept(_told())) as asked:
        name = procedure.Standing(statuses=asked.statuses()).leader
    if name is None:
        raise NotWell("no host, or more than one, says that it takes writes")
    _print(name)


@group.command("status")
def status(
    site: Folder,
    is_partial: Annotated[
        bool, typer.Option("--only-databases", help="Nobody else is asked.")
    ] = False,
) -> None:
    """Read back who leads, quorum, lag, an answer through the edge; exit code 1 unless well."""
    topology = deployment.read(site)
    read = readback.read_databases if is_partial else readback.read
    with _operator(deployment.kept(_told())) as identity:
        reading = read(topology, identity)
    for sentence in readback.sentences(reading):
        _print(sentence)
    if complaints := readback.complaints(reading, topology):
        raise NotWell("; ".join(complaints))
    _print("All is well.")


@contextmanager
def _operator(known: Kept) -> Iterator[Identity]:
    """Lend what an operator proves itself with, in files that only we read, until the end."""
    with tempfile.TemporaryDirectory(prefix="evergrid-operator-") as folder:
        for name, text in certificates.of(known.certificates, certificates.OPERATOR).items():
            Path(folder, name).write_text(text, encoding="ascii")
        yield Identity(Path(folder))


@contextmanager
def _asked(topology: Topology, known: Kept) -> Iterator[Site]:
    """Lend the database hosts of a site, asked by an operator."""
    with _operator(known) as identity:
        yield Site(topology, password=known.secrets.patroni_password, identity=identity)


def _told() -> bytes:
    """Return the text of `site.json`: a file or a command line could be read by others."""
    return sys.stdin.buffer.read()


def _print(line: object) -> None:
    print(line, flush=True)  # noqa: T201 - for programs
