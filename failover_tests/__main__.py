"""The command line of the drills: `evergrid-drill`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from failover_tests import environment, reports
from failover_tests.bench.benchmark import Benchmark
from failover_tests.drills.catalogue import CATALOGUE, purpose
from failover_tests.stage import Stage
from ha import lab as labs
from ha.lab.errors import LabFailed

app = typer.Typer(
    pretty_exceptions_enable=False,
    help="Break one thing under load, and prove what clients saw of it.",
    no_args_is_help=True,
    add_completion=False,
)
console = Console()

# Where Linux keeps files in memory (shm_overview(7)).
_MEMORY = "/dev/shm"  # noqa: S108  # TemporaryDirectory makes a folder of our own there

LabName = Annotated[str, typer.Option("--name", help="The lab to drill on.")]
Reports = Annotated[Path, typer.Option("--reports", help="Folder of the reports.")]


@app.command("list")
def list_drills() -> None:
    """List the drills."""
    for name, drill in CATALOGUE.items():
        console.print(f"[bold]{name}[/]  {purpose(drill)}")


@app.command()
def run(
    drill: Annotated[str | None, typer.Argument(metavar="NAME", help="One of `list`.")] = None,
    *,
    lab: LabName = "main",
    every: Annotated[bool, typer.Option("--all", help="Every drill, one after the other.")] = False,
    duration: Annotated[
        float, typer.Option(help="Seconds of load at least; a drill adds what it needs.", min=0)
    ] = 0.0,
    retry: Annotated[
        bool, typer.Option("--retry", help="Clients retry with the same key, as real ones should.")
    ] = False,
    reports_folder: Reports = reports.DEFAULT_FOLDER,
) -> None:
    """Run a drill, write its report; exit code 1 unless every promise was kept."""
    names = list(CATALOGUE) if every else [drill or ""]
    if unknown := set(names) - set(CATALOGUE):
        raise typer.BadParameter(f"no drill {unknown.pop()!r}; there are {', '.join(CATALOGUE)}")
    opened = labs.open(lab)
    # A list, not a generator: every drill runs, also after one that failed.
    passed = [
        _is_passed(name, opened, reports_folder, load_s=duration, is_retrying=retry)
        for name in names
    ]
    raise typer.Exit(0 if all(passed) else 1)


@app.command()
def bench(
    *,
    lab: LabName = "main",
    seconds: Annotated[int, typer.Option(min=1, help="Of each phase.")] = 15,
    reports_folder: Reports = reports.DEFAULT_FOLDER,
) -> None:
    """Measure the service beside pgbench, on one lab, in one run."""
    folder = _folder(reports_folder, "bench")
    benchmark = Benchmark(labs.open(lab), seconds=seconds, say=console.print)
    page = reports.write_benchmark(benchmark.results(), folder=folder)
    console.print(Markdown(page.read_text(encoding="utf-8")))
    console.print(f"Report: {folder}", soft_wrap=True)


@app.command()
def report(reports_folder: Reports = reports.DEFAULT_FOLDER) -> None:
    """Show the newest report."""
    page = reports.newest(reports_folder)
    if page is None:
        raise typer.BadParameter(f"there is no report under {reports_folder}")
    console.print(Markdown(page.read_text(encoding="utf-8")))
    console.print(f"[dim]{page}[/]", soft_wrap=True)


def main() -> None:
    """Run the command that was asked for; what a lab could not do is said in one line."""
    try:
        app()
    except LabFailed as error:
        console.print(f"[red]✗[/] {error}", soft_wrap=True)
        sys.exit(1)


def _is_passed(
    name: str, lab: labs.Lab, reports_folder: Path, *, load_s: float, is_retrying: bool
) -> bool:
    """Run one drill, show its report; tell if every promise was kept."""
    folder = _folder(reports_folder, name)
    described = environment.described(lab)
    console.print(f"[bold]{name}[/]: {purpose(CATALOGUE[name])}")
    with TemporaryDirectory(prefix="evergrid-drill-", dir=_MEMORY) as written:
        stage = Stage(lab, folder=Path(written), load_s=load_s, is_retrying=is_retrying)
        try:
            outcome = CATALOGUE[name](stage)
        except LabFailed as error:
            console.print(f"[red]✗ {name} could not be judged:[/] {error}", soft_wrap=True)
            return False
        finally:
            reports.keep_evidence(Path(written), folder=folder)
    page = reports.write(name, outcome, environment=described, folder=folder)
    console.print(Markdown(page.read_text(encoding="utf-8")))
    console.print(f"Report and evidence: {folder}", soft_wrap=True)
    return outcome.is_passed


def _folder(reports_folder: Path, name: str) -> Path:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = reports_folder / f"{name}-{now}"
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    main()
