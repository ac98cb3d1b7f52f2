"""The command line `evergrid-ha`: what operators type to run a lab or break it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ha import faults, fleet_commands, rules, site_commands, topology
from ha.backups import targets
from ha.backups.targets import RestoreRefused
from ha.certificates import STEPS, CertificatesWrong
from ha.deployment import SiteWrong
from ha.lab import cockpit, releases, report, service, state
from ha.lab import down as taking_down
from ha.lab import restore as restoring
from ha.lab import up as bringing_up
from ha.lab.errors import LabFailed
from ha.lab.lab import open_lab
from ha.lab.layout import Layout
from ha.lab.progress import Progress
from ha.terminal import HostName, Name, complaints, console

commands = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
lab = typer.Typer(no_args_is_help=True, help="A whole data centre on this machine.")
commands.add_typer(lab, name="lab")
commands.add_typer(site_commands.group, name="site")
commands.add_typer(fleet_commands.group, name="fleet")
for word, function in faults.COMMANDS.items():  # `evergrid-ha cut` as well as `evergrid-ha lab cut`
    for group in (commands, lab):
        group.command(word)(function)


@lab.command("up")
def lab_up(
    name: Name = "main",
    subnet: Annotated[str | None, typer.Option(help="Of its own, such as 10.78.0.0/24.")] = None,
    described: Annotated[
        Path | None, typer.Option("--topology", help="A topology.toml other than the one shipped.")
    ] = None,
    accounts: Annotated[int, typer.Option(min=1, help="Size of the demo.")] = 2000,
    months: Annotated[int, typer.Option(min=1, help="Months of the demo's bills.")] = 2,
    has_demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Load a demo bureau.")] = True,
    is_bare: Annotated[
        bool, typer.Option("--bare", help="The database cluster only, without the service.")
    ] = False,
    disk_gb: Annotated[
        int, typer.Option(min=0, help="A disk of its own, which can be filled, for each database.")
    ] = 0,
) -> None:
    """Bring the lab up; what is in place already stays as it is."""
    layout, progress = Layout(name), Progress(console)
    order = bringing_up.Order(
        layout=layout,
        topology=_topology(layout, subnet, described),
        release=sys.prefix,
        demo=service.Demo(accounts=accounts, months=months) if has_demo else None,
        is_bare=is_bare,
        disk_gb=disk_gb,
    )
    report.welcome(bringing_up.up(order, progress), console, is_bare=is_bare)
    progress.say(f"Up after {progress.total_s():.0f} s.")


@lab.command("down")
def lab_down(
    name: Name = "main",
    keeps_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep the databases for the next `up`.")
    ] = False,
) -> None:
    """Take the lab away, its data included: no process, namespace, bridge or route is left."""
    taking_down.down(Layout(name), Progress(console), keeps_data=keeps_data)


@lab.command("roll")
def lab_roll(
    release: Annotated[
        Path | None, typer.Option(help="The one this command is of, if left out.")
    ] = None,
    name: Name = "main",
) -> None:
    """Let the app hosts run another release, one after the other; clients notice nothing."""
    if release and release.resolve() != Path(sys.prefix).resolve():
        # Only a release itself knows how its hosts are configured.
        releases.require(str(release))
        _become([f"{release}/bin/evergrid-ha", "lab", "roll", "--name", name])
    open_lab(name).roll(sys.prefix)
    console.print(f"Every app host runs {sys.prefix}.")


@lab.command("certify")
def lab_certify(
    step: Annotated[
        str,
        typer.Argument(help="renew; or announce, succeed, retire, to replace the authority too."),
    ] = "renew",
    name: Name = "main",
) -> None:
    """Give every host a new certificate while everything runs; clients notice nothing."""
    if step not in STEPS:
        raise CertificatesWrong(f"{step!r} is no step; there are {', '.join(STEPS)}")
    seen = open_lab(name).certify(step)
    console.print(f"{step}: {seen} ports present what they should.")


@lab.command("status")
def lab_status(name: Name = "main") -> None:
    """Show every host with its programs, and what is not as it should be."""
    if not report.status(open_lab(name), console):
        raise typer.Exit(1)


@lab.command("info")
def lab_info(
    name: Name = "main",
    is_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show where the lab is reached, and with which tokens."""
    found = open_lab(name)
    if is_json:
        print(json.dumps(found.info(), indent=2))  # noqa: T201 - for programs: no colours, no folds
    else:
        report.info(found, console)


@lab.command("logs")
def lab_logs(
    host: HostName,
    program: Annotated[str | None, typer.Argument()] = None,
    name: Name = "main",
    follows: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it grows.")] = False,
) -> None:
    """Show the end of a host's logs, or of one program's."""
    found = open_lab(name)
    folder = found.layout.log_folder(found.topology.host(host).name)
    files = sorted(str(path) for path in folder.glob(f"{program or '*'}.log"))
    if not files:
        raise LabFailed(f"{host} has no log of {program or 'anything'} in {folder}")
    _become(["tail", "-n", "50", *(["-F"] if follows else []), *files])


@lab.command("exec")
def lab_exec(
    host: HostName,
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND")],
    name: Name = "main",
) -> None:
    """Run a command as root on a host; its exit code becomes ours."""
    _become(open_lab(name).command(host, command))


@lab.command("service")
def lab_service(
    arguments: Annotated[list[str], typer.Argument(metavar="-- COMMAND")],
    name: Name = "main",
) -> None:
    """Run a command of `evergrid-service` as the owner of the tables: `-- token list --name N`."""
    raise typer.Exit(service.converse(open_lab(name), *arguments))


@commands.command("status")
def status(name: Name = "main") -> None:
    """Show who leads, how far the others are behind, what is fenced; exit code 1 unless well."""
    if not cockpit.status(open_lab(name), console):
        raise typer.Exit(1)


@commands.command("switchover")
def switchover(
    to: Annotated[str | None, typer.Option(help="The host that is to lead.")] = None,
    name: Name = "main",
) -> None:
    """Let another database host lead; clients wait for less than a second, none sees an error."""
    found = open_lab(name)
    done = found.switchover(to, say=console.print)
    console.print(f"[green]✓[/] {done.new} leads; writes waited for {done.unwritable_s} s.")
    took_s = cockpit.wait_until_whole(found)
    console.print(f"[green]✓[/] Every host can take over again, after {took_s:.1f} s more.")


@commands.command("restore")
def restore(
    name: Annotated[str, typer.Option("--name", help="Of the fresh lab.")],
    subnet: Annotated[str, typer.Option(help="Of its own, such as 10.79.0.0/24.")],
    to: Annotated[
        str | None,
        typer.Option(
            help="A time, business time unless it has an offset; all there is, if left out."
        ),
    ] = None,
    source: Annotated[str, typer.Option("--from", help="The lab whose backups to take.")] = "main",
    is_bare: Annotated[
        bool, typer.Option("--bare", help="The databases only, without the service.")
    ] = False,
) -> None:
    """Bring a fresh lab up with another one's data, as they were at a moment."""
    request = restoring.Request(
        source=Layout(source),
        layout=Layout(name),
        subnet=subnet,
        target=targets.read(to) if to else None,
        release=sys.prefix,
        is_bare=is_bare,
    )
    progress = Progress(console)
    report.welcome(restoring.restore(request, progress), console, is_bare=is_bare)
    progress.say(f"Restored after {progress.total_s():.0f} s.")


_REFUSALS = (
    LabFailed,
    RestoreRefused,
    CertificatesWrong,
    SiteWrong,
    topology.TopologyWrong,
    site_commands.NotWell,
    *site_commands.REFUSALS,
)


def main() -> None:
    """Run one command; an error it expects is a sentence and exit code 1, never a traceback."""
    is_of_root = "--help" not in sys.argv and sys.argv[1:2] != ["site"]
    if os.geteuid() != 0 and is_of_root:
        sys.exit("evergrid-ha makes network namespaces: run it as root, or with sudo")
    os.umask(0o022)  # what we write for hosts, their users must be able to read
    try:
        commands()
    except _REFUSALS as error:
        report.failure(error, complaints)
        sys.exit(1)


def _topology(layout: Layout, subnet: str | None, described: Path | None) -> topology.Topology:
    """
    Return what the lab is to look like: as it was, unless told otherwise.

    :raises TopologyWrong: if it would not be safe, with a sentence for every rule it breaks
    """
    known = state.load(layout)
    if known and subnet is None and described is None:
        return known.topology
    found = topology.load(described)
    found = topology.rebased(found, name=layout.lab, subnet=subnet or found.subnet)
    if broken := rules.broken(found):
        raise topology.TopologyWrong("\n".join(("this topology is not safe:", *broken)))
    return found


def _become(argv: list[str]) -> None:
    """Turn into another program, which has the terminal to itself."""
    os.execvp(argv[0], argv)  # noqa: S606 - no shell, and the caller is root


if __name__ == "__main__":
    main()
