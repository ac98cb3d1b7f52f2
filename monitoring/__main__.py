"""`evergrid-monitor`: rules, catalogue, what Prometheus sees now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from monitoring import catalogue, emissions, prometheus, promtool, rules

# The address under which a lab's Prometheus is reached from outside its network.
_LAB_PROMETHEUS = "http://127.77.0.1:9090"
_PrometheusUrl = Annotated[
    str,
    typer.Option("--prometheus", envvar="EVERGRID_PROMETHEUS", help="Base URL of Prometheus."),
]

main = typer.Typer(no_args_is_help=True, help="See whether Evergrid is well.")
_rules = typer.Typer(no_args_is_help=True, help="The alert rules.")
_catalogue = typer.Typer(no_args_is_help=True, help="The metric catalogue.")
main.add_typer(_rules, name="rules")
main.add_typer(_catalogue, name="catalogue")


@_rules.command("test")
def test_rules() -> None:
    """Check the rule files with promtool, then run their tests on both sides of each threshold."""
    try:
        promtool.check(rules.files())
        promtool.test(rules.promtool_tests())
    except promtool.PromtoolRefused as error:
        _give_up([str(error)])
    typer.echo(f"{len(rules.alerts())} alerts are valid, their tests pass")


@_catalogue.command("check")
def check_catalogue() -> None:
    """Hold the rules, then the source of what we run, against the catalogue."""
    try:
        book = catalogue.load()
    except catalogue.CatalogueWrong as error:
        _give_up([str(error)])
    faults = catalogue.faults_of_rules(book, rules.alerts())
    faults += catalogue.faults_of_emissions(book, emissions.found_in(*emissions.OURS))
    if faults:
        _give_up(faults)
    typer.echo(f"{len(book.emitted)} metrics are emitted as catalogued, the rules read no others")


@main.command("alerts")
def show_alerts(url: _PrometheusUrl = _LAB_PROMETHEUS) -> None:
    """Show the alerts whose condition holds; exit 1 if one of them fires."""
    try:
        active = prometheus.alerts(url)
    except prometheus.PrometheusAway as error:
        _give_up([str(error)])
    rows = [
        (alert.labels.get("severity", ""), alert.state, alert.active_at[:19],
         alert.annotations.get("summary", alert.name), alert.annotations.get("runbook", ""))
        for alert in active
    ]  # fmt: skip
    _print_table(("severity", "state", "since (UTC)", "what", "runbook"), rows, empty="no alert")
    if any(alert.state == "firing" for alert in active):
        raise typer.Exit(1)


@main.command("targets")
def show_targets(url: _PrometheusUrl = _LAB_PROMETHEUS) -> None:
    """Show what Prometheus scrapes; exit 1 if something does not answer."""
    try:
        scraped = prometheus.targets(url)
    except prometheus.PrometheusAway as error:
        _give_up([str(error)])
    rows = [
        (
            target.labels.get("job", ""),
            target.labels.get("host", ""),
            target.health,
            target.last_error,
        )
        for target in scraped
    ]
    _print_table(("job", "host", "health", "last error"), rows, empty="Prometheus scrapes nothing")
    if any(target.health != "up" for target in scraped):
        raise typer.Exit(1)


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Print `rows` under `columns`, or `empty` if there is none."""
    if not rows:
        typer.echo(empty)
        return
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)


def _give_up(faults: Sequence[str]) -> NoReturn:
    """Say what is wrong on standard error, exit 2."""
    for fault in faults:
        typer.echo(fault, err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    main()
