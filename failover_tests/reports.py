"""Reports: what a drill came to, as JSON for programs, as a page for people, with its evidence."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import msgspec

from failover_tests import checkers, figures
from failover_tests.bench.page import page as benchmark_page
from failover_tests.evidence import timeline
from failover_tests.history import acknowledged
from failover_tests.judgement import Check, Outcome
from failover_tests.markdown import cpu_line, table

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


def newest(folder: Path) -> Path | None:
    """Return the page written last under `folder`; None if there is none."""
    pages = sorted(folder.glob("*/report.md"), key=lambda path: path.stat().st_mtime)
    return pages[-1] if pages else None


def summary(name: str, outcome: Outcome, *, environment: dict[str, Any]) -> dict[str, Any]:
    """Return everything a report says, ready for JSON."""
    evidence = outcome.evidence
    history = evidence.history
    return {
        "drill": name,
        "run": evidence.run,
        "passed": outcome.is_passed,
        "requests": len(history),
        "acknowledged_payments": len(acknowledged(history)),
        "retried_requests": sum(request.attempts > 1 for request in history),
        "write_stall_s": round(checkers.stall_s(history), 2),
        "slowest_s": round(checkers.slowest_s(history), 2),
        "clients_late_s": round(max(r.sent_s - r.due_s for r in history), 2),
        "checks": [_check(check) for check in outcome.verdict],
        "fault": {
            "what": evidence.fault.what,
            "host": evidence.fault.host,
            "proof": evidence.fault.proof,
        },
        "timeline": [
            {"after_s": round(event.after_s, 2) + 0.0, "what": event.what}
            for event in timeline(evidence)
        ],
        "latencies": msgspec.to_builtins(figures.by_phase(evidence)),
        "cpu_shares": evidence.cpu_shares,
        "environment": environment,
    }


def page(report: dict[str, Any]) -> str:
    """Return a report as Markdown."""
    verdict = "passed" if report["passed"] else "FAILED"
    fault = report["fault"]
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
        "## The fault",
        f"{fault['what']}, {fault['host']}. Proof: {fault['proof']}.",
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
    return (
        f"Run `{report['run']}`: {report['requests']} requests, "
        f"{report['acknowledged_payments']} payments acknowledged, "
        f"writes stalled for {report['write_stall_s']} s, "
        f"the slowest answer took {report['slowest_s']} s; "
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
