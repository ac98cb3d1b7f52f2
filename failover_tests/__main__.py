"""The command line of the drills: `evergrid-drill`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from failover_tests import environment, reports
from failover_tests.drills.catalogue import CATALOGUE, purpose
from failover_tests.stage import Stage
from ha import lab as labs
from ha.lab.errors import LabFailed

app = typer.Typer(
    help="Break one thing under load, and prove what clients saw of it.",
    no_args_is_help=True,
    add_completion=False,
)
console = Console()

LabName = Annotated[str, typer.Option("--name", help="The lab to drill on.")]
Reports = Annotated[Path, typer.Option("--reports", help="Folder of the reports.")]


@app.command("list")
def list_drills() -> None:
    """List the drills."""
    for name, drill in CATALOGUE.items():
        console.print(f"[bold]{name}[/]  {purpose(drill)}")


@app.command()
def run(
    drill: Annotated[str, typer.Argument(metavar="NAME", help="A drill of `evergrid-drill list`.")],
    *,
    lab: LabName = "main",
    duration: Annotated[
        float, typer.Option(help="Seconds of load at least; a drill adds what it needs.", min=0)
    ] = 0.0,
    retry: Annotated[
        bool, typer.Option("--retry", help="Clients retry with the same key, as real ones should.")
    ] = False,
    reports_folder: Reports = reports.DEFAULT_FOLDER,
) -> None:
    """Run one drill, write its report; exit code 1 unless every promise was kept."""
    if drill not in CATALOGUE:
        raise typer.BadParameter(f"no drill {drill!r}; there are {', '.join(CATALOGUE)}")
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = reports_folder / f"{drill}-{now}"
    folder.mkdir(parents=True)
    opened = labs.open(lab)
    described = environment.described(opened)
    stage = Stage(opened, folder=folder, load_s=duration, is_retrying=retry)
    try:
        outcome = CATALOGUE[drill](stage)
    except LabFailed as error:
        console.print(f"[red]The drill could not be judged:[/] {error}", soft_wrap=True)
        raise typer.Exit(1) from error
    page = reports.write(drill, outcome, environment=described, folder=folder)
    console.print(Markdown(page.read_text(encoding="utf-8")))
    console.print(f"Report and evidence: {folder}", soft_wrap=True)
    raise typer.Exit(0 if outcome.is_passed else 1)


@app.command()
def report(reports_folder: Reports = reports.DEFAULT_FOLDER) -> None:
    """Show the newest report."""
    page = reports.newest(reports_folder)
    if page is None:
        raise typer.BadParameter(f"there is no report under {reports_folder}")
    console.print(Markdown(page.read_text(encoding="utf-8")))
    console.print(f"[dim]{page}[/]", soft_wrap=True)


def main() -> None:
    """Run the command that was asked for."""
    app()


if __name__ == "__main__":
    main()
