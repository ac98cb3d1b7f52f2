"""The command line of the drills: `evergrid-drill`."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markdown import Markdown

from failover_tests import budgets, reports, runs, summary
from failover_tests.bench import bills, page
from failover_tests.bench.benchmark import Benchmark
from failover_tests.conditions import Conditions
from failover_tests.drills.catalogue import CATALOGUE, DRILLS, purpose
from failover_tests.drills.reads_never_go_back import ReadsNeverGoBack
from failover_tests.soak import Soak, planned
from ha import lab as labs
from ha.lab.errors import LabFailed

app = typer.Typer(
    pretty_exceptions_enable=False,
    help="Break one thing under load, and prove what clients saw of it.",
    no_args_is_help=True,
    add_completion=False,
)
# Into a file or a pipe a line is written whole, not folded to the 80 columns of no terminal.
console = Console(width=None if sys.stdout.isatty() else 160)

LabName = Annotated[str, typer.Option("--name", help="The lab to drill on.")]
Reports = Annotated[Path, typer.Option("--reports", help="Folder of the reports.")]


@app.command("list")
def list_drills() -> None:
    """List the drills."""
    for name, drill in CATALOGUE.items():
        console.print(f"[bold]{name}[/]  {purpose(drill)}")


@app.command()
def run(
    drills: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Of those in `list`.")
    ] = None,
    *,
    lab: LabName = "main",
    every: Annotated[bool, typer.Option("--all", help="Every drill, one after the other.")] = False,
    times: Annotated[int, typer.Option(min=1, help="How often to go through them.")] = 1,
    duration: Annotated[
        float, typer.Option(help="Seconds of load at least; a drill adds what it needs.", min=0)
    ] = 0.0,
    rate: Annotated[
        float, typer.Option(help="Payments a second, and as many reads.", min=1)
    ] = budgets.PAYMENTS_PER_S,
    allowance: Annotated[
        float, typer.Option(help="Clients may wait so many times as long as promised.", min=1)
    ] = 1.0,
    reports_folder: Reports = reports.DEFAULT_FOLDER,
) -> None:
    """Run drills, write their reports; exit code 1 unless every promise of all was kept."""
    names = _known(list(CATALOGUE) if every else drills or [])
    conditions = Conditions(rate=rate, load_s=duration, allowance=allowance)
    opened = labs.open(lab)
    done: list[Path] = []
    try:
        for name in names * times:
            drill = CATALOGUE[name]
            console.print(f"[bold]{name}[/]: {purpose(drill)}")
            done.append(
                runs.reported(opened, name, drill, reports_folder, conditions, say=console.print)
            )
            _show(done[-1] / "report.md")
    finally:
        finished = summary.read_each(done)
        console.out(summary.page(finished, order=list(CATALOGUE)), highlight=False)
    raise typer.Exit(0 if all(each.passed for each in finished) else 1)


def _known(names: list[str]) -> list[str]:
    if not names:
        raise typer.BadParameter("name a drill, or say --all")
    if unknown := set(names) - set(CATALOGUE):
        raise typer.BadParameter(f"no drill {unknown.pop()!r}; there are {', '.join(CATALOGUE)}")
    return names


@app.command()
def soak(
    *,
    lab: LabName = "main",
    faults: Annotated[int, typer.Option(min=1, help="How many things to break.")] = 50,
    seed: Annotated[
        int | None, typer.Option(help="Of an earlier run, to break the same in the same order.")
    ] = None,
    reports_folder: Reports = reports.DEFAULT_FOLDER,
) -> None:
    """Break one thing at random after the other while clients pay; judge the whole history."""
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    plan = planned(DRILLS, faults=faults, seed=chosen)
    console.print(f"Seed {chosen}: {faults} faults; `--seed {chosen}` repeats them.")
    folder = runs.reported(
        labs.open(lab),
        "soak",
        Soak(plan, say=console.print),
        reports_folder=reports_folder,
        conditions=Conditions(longest_s=faults * budgets.SOAKED_LONGEST_S),
    )
    _show(folder / "report.md")
    raise typer.Exit(0 if all(run.passed for run in summary.read_each([folder])) else 1)


@app.command()
def reads(
    *,
    lab: LabName = "main",
    count: Annotated[int, typer.Option("--reads", min=1_000, help="How many.")] = 1_000_000,
    failovers: Annotated[int, typer.Option(min=0, help="Primaries to crash meanwhile.")] = 5,
    seed: Annotated[
        int | None, typer.Option(help="Of an earlier run, to pause replay in the same order.")
    ] = None,
    reports_folder: Reports = reports.DEFAULT_FOLDER,
) -> None:
    """Run reads-never-go-back with as many reads as asked for; judge every single one."""
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    longest_s = budgets.LOAD_LONGEST_S * (1 + failovers) + count / budgets.READS_PER_S_MIN
    console.print(f"Seed {chosen}: {count} reads; `--seed {chosen}` repeats the pauses.")
    folder = runs.reported(
        labs.open(lab),
        "reads-never-go-back",
        ReadsNeverGoBack(reads=count, failovers=failovers, seed=chosen),
        reports_folder=reports_folder,
        conditions=Conditions(longest_s=longest_s),
    )
    _show(folder / "report.md")
    raise typer.Exit(0 if all(run.passed for run in summary.read_each([folder])) else 1)


@app.command("summary")
def summarize(reports_folder: Reports = reports.DEFAULT_FOLDER) -> None:
    """Print a table of all reports: of each drill the median, the worst, what was promised."""
    found = summary.read(reports_folder)
    print(summary.page(found, order=list(CATALOGUE)), end="")  # noqa: T201  # Markdown to paste


@app.command()
def bench(
    *,
    lab: LabName = "main",
    seconds: Annotated[int, typer.Option(min=1, help="Of each phase.")] = 15,
    accounts: Annotated[int, typer.Option(min=1, help="How many to bill.")] = 20_000,
    bills_only: Annotated[bool, typer.Option("--bills-only", help="A bill run alone.")] = False,
    reports_folder: Reports = reports.DEFAULT_FOLDER,
) -> None:
    """Measure the service beside pgbench, a bill run beside COPY, on one lab, in one run."""
    benchmark = Benchmark(labs.open(lab), seconds=seconds, accounts=accounts, say=console.print)
    if bills_only:
        run = benchmark.bill_run()
        console.print(page.bill_run(msgspec.to_builtins(run)))
        wrong = bills.shortfalls(run, accounts=accounts)
        console.print(*wrong, sep="\n", style="red")
        sys.exit(1 if wrong else 0)
    folder = reports.folder_of(reports_folder, "bench")
    _show(reports.write_benchmark(benchmark.results(), folder=folder))


@app.command()
def report(reports_folder: Reports = reports.DEFAULT_FOLDER) -> None:
    """Show the newest report."""
    newest = reports.newest(reports_folder)
    if newest is None:
        raise typer.BadParameter(f"there is no report under {reports_folder}")
    console.print(Markdown(newest.read_text(encoding="utf-8")))
    console.print(f"[dim]{newest}[/]", soft_wrap=True)


def main() -> None:
    """Run the command that was asked for; what a lab could not do is said in one line."""
    # A drill that is told to end cures what it broke, as one that is interrupted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.geteuid() != 0 and "--help" not in sys.argv:
        sys.exit("evergrid-drill breaks what root runs: run it as root, or with sudo")
    try:
        app()
    except LabFailed as error:
        console.print(f"[red]✗[/] {error}", soft_wrap=True)
        sys.exit(1)


def _show(written: Path) -> None:
    console.print(Markdown(written.read_text(encoding="utf-8")))
    console.print(f"Report and evidence: {written.parent}", soft_wrap=True)


if __name__ == "__main__":
    main()
