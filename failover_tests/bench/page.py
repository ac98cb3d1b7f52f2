"""The benchmark's report as a page."""

from __future__ import annotations

from typing import Any

from failover_tests.markdown import cpu_line, table


def page(results: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    phases = results["phases"]
    parts = [
        "# Benchmark",
        (
            f"Run `{results['run']}`: payments reach {results['payments_over_statements']:.0%} of "
            f"pgbench with the same statements, reads {results['reads_over_selects']:.0%} of "
            f"pgbench -S; {results['connections']} connections, "
            f"{results['seconds_a_phase']} s a phase, everything on one machine."
        ),
        table(
            ("load", "per second", "mean ms", "p50 ms", "p99 ms", "errors"),
            [(phase["name"], *_figures(phase["measured"])) for phase in phases],
        ),
        "## A bill run",
        _bill_run(results["bills"]),
        "## Where the machine's time went",
        table(
            ("load", "share of all CPUs"),
            [(phase["name"], cpu_line(phase["cpu_shares"])) for phase in phases],
        ),
        "## Environment",
        table(("", ""), [(key, str(value)) for key, value in results["environment"].items()]),
    ]
    return "\n\n".join(parts) + "\n"


def _bill_run(bills: dict[str, Any]) -> str:
    return (
        f"{bills['bills']} bills, {bills['failed']} accounts not billed: "
        f"{bills['calculated_per_s']:.0f} a second calculated, {bills['issued_per_s']:.0f} issued, "
        f"{bills['billed_per_s']:.0f} in all. A bare COPY writes the rows of "
        f"{bills['copied_per_s']:.0f} a second: issuing reaches {bills['issued_over_copied']:.0%}."
    )


def _figures(measured: dict[str, Any]) -> tuple[str, ...]:
    columns = ("per_s", "mean_ms", "p50_ms", "p99_ms", "errors")
    return tuple("–" if measured[column] is None else str(measured[column]) for column in columns)
