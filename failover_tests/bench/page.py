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
        bill_run(results["bills"]),
        _beside(results["beside"]),
        "## Where the machine's time went",
        table(
            ("load", "share of all CPUs"),
            [(phase["name"], cpu_line(phase["cpu_shares"])) for phase in phases],
        ),
        "## Environment",
        table(("", ""), [(key, str(value)) for key, value in results["environment"].items()]),
    ]
    return "\n\n".join(parts) + "\n"


def bill_run(bills: dict[str, Any]) -> str:
    """Return the figures of a bill run as a sentence or two."""
    return (
        f"{bills['bills']} bills, {bills['failed']} accounts not billed: "
        f"{bills['calculated_per_s']:.0f} a second calculated, {bills['issued_per_s']:.0f} issued, "
        f"{bills['billed_per_s']:.0f} in all. A bare COPY writes the rows of "
        f"{bills['copied_per_s']:.0f} a second: issuing reaches {bills['issued_over_copied']:.0%}. "
        f"A worker has had at most {bills['worker_mb']} MB."
    )


def _beside(beside: dict[str, Any]) -> str:
    payments, reads = (
        "{} ms before, {} ms meanwhile".format(*beside[name])
        for name in ("payments_p99_ms", "reads_p99_ms")
    )
    return (
        f"Beside {beside['rate']:.0f} payments and as many reads a second: "
        f"{beside['billed_per_s']:.0f} bills a second in all; p99 of payments {payments}, "
        f"of reads {reads}; {beside['failed']} of {beside['requests']} requests failed."
    )


def _figures(measured: dict[str, Any]) -> tuple[str, ...]:
    columns = ("per_s", "mean_ms", "p50_ms", "p99_ms", "errors")
    return tuple("–" if measured[column] is None else str(measured[column]) for column in columns)
