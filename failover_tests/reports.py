"""Reports: what a drill came to, as JSON for programs, as a page for people, with its evidence."""

from __future__ import annotations

import gzip
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from failover_tests import figures
from failover_tests.bench.page import page as benchmark_page
from failover_tests.evidence import timeline
from failover_tests.history import acknowledged
from failover_tests.judgement import Check, Outcome
from failover_tests.markdown import cpu_line, table
from failover_tests.passages import page as page_of_passages

DEFAULT_FOLDER = Path("reports")

# Enough to see what kind of thing went wrong; the history beside the report holds them all.
_FINDINGS_SHOWN = 20


def write(name: str, outcome: Outcome, *, environment: dict[str, Any], folder: Path) -> Path:
    """Write report.json and report.md of one drill; return the page."""
    report = summary(name, outcome, environment=environment)
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    text = page(report)
    (folder / "report.md").write_text(text, encoding="utf-8")
    return folder / "report.md"


def write_benchmark(results: dict[str, Any], *, folder: Path) -> Path:
    """Write report.json and report.md of a benchmark; return the page."""
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    (folder / "report.md").write_text(benchmark_page(results), encoding="utf-8")
    return folder / "report.md"


def keep_evidence(written: Path, *, folder: Path) -> None:
    """Keep, gzipped in `folder`, what a drill wrote while it ran: every request, every look."""
    for path in written.iterdir():
        with path.open("rb") as plain, gzip.open(folder / f"{path.name}.gz", "wb") as packed:
            shutil.copyfileobj(plain, packed)


def folder_of(reports_folder: Path, name: str) -> Path:
    """Make the folder of a new report, called after what was done and when."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = reports_folder / f"{name}-{now}"
    folder.mkdir(parents=True)
    return folder


def newest(folder: Path) -> Path | None:
    """Return the page written last under `folder`; None if there is none."""
    pages = sorted(folder.glob("*/report.md"), key=lambda path: path.stat().st_mtime)
    return pages[-1] if pages else None


def write_unjudged(name: str, reason: str, *, environment: dict[str, Any], folder: Path) -> None:
    """Write report.json and report.md of a drill that could not be judged, which is no pass."""
    report = {"drill": name, "passed": False, "unjudged": reason, "environment": environment}
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    text = f"# Drill {name}: could not be judged\n\n{reason}\n"
    (folder / "report.md").write_text(text, encoding="utf-8")


def summary(name: str, outcome: Outcome, *, environment: dict[str, Any]) -> dict[str, Any]:
    """Return everything a report says, ready for JSON."""
    evidence = outcome.evidence
    history = evidence.history
    return {
        "drill": name,
        "run": evidence.run,
        "passed": outcome.is_passed,
        "acknowledged_payments": len(acknowledged(history)),
        "clients_late_s": round(max(r.sent_s - r.due_s for r in history), 2),
        "figures": msgspec.to_builtins(figures.of(evidence)),
        "promised": msgspec.to_builtins(outcome.promises),
        "checks": [_check(check) for check in outcome.verdict],
        "faults": [
            {"what": fault.what, "where": fault.where, "proof": fault.proof}
            for fault in evidence.faults
        ],
        "timeline": [
            {"after_s": round(event.after_s, 2) + 0.0, "what": event.what}
            for event in timeline(evidence)
        ],
        "latencies": msgspec.to_builtins(figures.by_phase(evidence)),
        "passages": page_of_passages(outcome.passages) if outcome.passages else None,
        "cpu_shares": evidence.cpu_shares,
        "environment": environment,
    }


def page(report: dict[str, Any]) -> str:
    """Return a report as Markdown."""
    verdict = "passed" if report["passed"] else "FAILED"
    parts = [
        f"# Drill {report['drill']}: {verdict}",
        _headline(report),
        table(
            ("promise", "kept", "examined"),
            [
                (check["promise"], "yes" if check["kept"] else "**NO**", check["examined"])
                for check in report["checks"]
            ],
        ),
        *(_findings(check) for check in report["checks"] if not check["kept"]),
        "## What was broken",
        table(
            ("fault", "where", "proof"),
            [(fault["what"], fault["where"], fault["proof"]) for fault in report["faults"]],
        ),
        *(("## What clients felt of each", report["passages"]) if report["passages"] else ()),
        "## What happened when",
        table(
            ("seconds after the fault", "event"),
            [(f"{event['after_s']:.2f}", event["what"]) for event in report["timeline"]],
        ),
        "## How long clients waited",
        table(
            ("", "requests", "p50 ms", "p99 ms", "longest ms"),
            [
                (group, *map(str, (waits or {}).values()))
                for group, waits in report["latencies"].items()
            ],
        ),
        "## How busy the machine was under load, before the fault",
        cpu_line(report["cpu_shares"]),
        "## Environment",
        table(("", ""), [(key, str(value)) for key, value in report["environment"].items()]),
    ]
    return "\n\n".join(parts) + "\n"


def _headline(report: dict[str, Any]) -> str:
    felt = report["figures"]
    return (
        f"Run `{report['run']}`: {felt['requests']} requests, "
        f"{felt['failed']} failed, {felt['repeated']} repeated, "
        f"{report['acknowledged_payments']} payments acknowledged; "
        f"writes stalled for {felt['write_stall_s']} s, reads for {felt['read_stall_s']} s, "
        f"the slowest answer took {felt['slowest_s']} s; "
        f"clients sent at most {report['clients_late_s']} s late."
    )


def _check(check: Check) -> dict[str, Any]:
    return {
        "promise": check.promise,
        "kept": check.is_kept,
        "examined": check.examined,
        "findings": len(check.findings),
        "first_findings": check.findings[:_FINDINGS_SHOWN],
    }


def _findings(check: dict[str, Any]) -> str:
    shown = "\n".join(f"- {finding}" for finding in check["first_findings"])
    return f"### Not kept: {check['promise']} ({check['findings']} findings)\n\n{shown}"
