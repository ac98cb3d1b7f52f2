"""The commands `evergrid-ha fleet`: machines for Ansible to set up, on one computer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ha import topology
from ha.fleet import down as taking_down
from ha.fleet import machines, site
from ha.fleet import up as bringing_up
from ha.fleet.layout import FleetFailed, Layout
from ha.lab.progress import Progress
from ha.terminal import HostName, console

group = typer.Typer(no_args_is_help=True, help="Real systemd machines on this computer.")
Name = Annotated[str, typer.Option("--name", help="Of the fleet.")]


@group.command("up")
def up(
    name: Name = "main",
    subnet: Annotated[str, typer.Option(help="Of its own.")] = "10.80.0.0/24",
    described: Annotated[
        Path | None, typer.Option("--topology", help="A topology.toml other than the one shipped.")
    ] = None,
) -> None:
    """Boot the machines, bare the first time; those that are on stay as they are."""
    layout, progress = Layout(name), Progress(console)
    found = (
        bringing_up.known(layout)
        if (layout.site / "topology.toml").exists()
        else site.described(topology.load(described), name=name, subnet=subnet)
    )
    bringing_up.up(layout, found, progress)
    progress.say(f"Up after {progress.total_s():.0f} s. Now, in ansible/:")
    console.out(f"  ansible-playbook -i {layout.site}/hosts site.yml", highlight=False)


@group.command("down")
def down(name: Name = "main") -> None:
    """Take the fleet away, its data included; the image of a bare machine stays."""
    taking_down.down(Layout(name), Progress(console))


@group.command("destroy")
def destroy(host: HostName, name: Name = "main") -> None:
    """Lose a machine with its disk; the next `up` puts a bare one in its place."""
    layout = _existing(name)
    bringing_up.destroy(layout, bringing_up.known(layout).host(host), Progress(console))


@group.command("status")
def status(name: Name = "main") -> None:
    """Show which machines are on, whether they let their operator in; exit code 1 unless all do."""
    layout = _existing(name)
    table = Table("Machine", "Address", "Roles", "Power", "ssh", box=None)
    is_well = True
    for host in bringing_up.known(layout).hosts:
        is_on = machines.is_on(layout, host.name)
        said = machines.answer(layout, host) if is_on else ""
        is_well = is_well and said == "ready"
        table.add_row(host.name, host.address, " ".join(host.roles), "on" if is_on else "off", said)
    console.print(table)
    if not is_well:
        raise typer.Exit(1)


def _existing(name: str) -> Layout:
    layout = Layout(name)
    if not (layout.site / "topology.toml").exists():
        raise FleetFailed(f"there is no fleet {name!r}; `evergrid-ha fleet up --name {name}`")
    return layout
