"""The commands `evergrid-ha site`: what Ansible asks about one site."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ha import deployment, rules
from ha.terminal import console
from ha.topology import TopologyWrong

group = typer.Typer(no_args_is_help=True, help="A data centre on real hosts.")
Site = Annotated[Path, typer.Argument(metavar="SITE", help="The folder with its topology.toml.")]


@group.command("found")
def found(site: Site) -> None:
    """Make the passwords and certificates of a new site; encrypt them with `ansible-vault`."""
    path = deployment.found(site)
    console.print(f"{path} holds every secret of the site. Now: ansible-vault encrypt {path}")


@group.command("inventory")
def inventory(site: Site) -> None:
    """Print Ansible's inventory."""
    print(json.dumps(deployment.inventory(deployment.read(site)), indent=2))  # noqa: T201 - for programs


@group.command("check")
def check(site: Site) -> None:
    """Tell every reason for which the topology of the site is not safe; exit code 1 if any."""
    if broken := rules.broken(deployment.read(site)):
        raise TopologyWrong("\n".join(("this topology is not safe:", *broken)))
    console.print(f"{site} is safe.")


@group.command("render")
def render(
    site: Site,
    release: Annotated[str, typer.Option(help="The folder that hosts run the product from.")],
    out: Annotated[Path, typer.Option(help="Where to write; for its owner alone.")],
) -> None:
    """Write every file of every host; the text of `site.json` comes from standard input."""
    told = sys.stdin.buffer.read()
    for path in deployment.write(deployment.read(site), told, release=release, out=out):
        print(path)  # noqa: T201 - for programs


@group.command("certify")
def certify(
    site: Site,
    step: Annotated[
        str,
        typer.Argument(help="renew; or announce, succeed, retire, to replace the authority too."),
    ] = "renew",
) -> None:
    """Read `site.json` from standard input; write it with other certificates to standard output."""
    told = sys.stdin.buffer.read()
    sys.stdout.buffer.write(deployment.certified(deployment.read(site), told, step))
