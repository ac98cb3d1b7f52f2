"""The summary of many reports: of each drill the median, the worst, beside what was promised."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from failover_tests.markdown import table

_HEAD = (
    "drill",
    "passed",
    "failed",
    "lost",
    "doubled",
    "write stall, s: median",
    "worst",
    "promised",
    "read stall, s: median",
    "worst",
    "promised",
    "slowest, s",
    "failovers",
    "whole again, s",
    "drill took, s",
)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of one drill came to; a stall that never ended is None."""

    requests: int
    failed: int
    lost: int
    doubled: int
    repeated: int
    write_stall_s: float | None
    read_stall_s: float | None
    slowest_s: float | None
    failovers: int
    rejoined_s: float


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """What was promised of it, as far as a table shows it."""

    write_stall_s: float | None = None
    read_stall_s: float | None = None


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """How long the drill took from its first look to its verdict."""

    drill_took_s: float = 0.0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a drill's report that a summary needs; without figures it was not judged."""

    drill: str
    passed: bool
    figures: Figures | None = None
    promised: Promised = Promised()
    environment: Environment = Environment()


def read(reports_folder: Path) -> list[Run]:
    """Return the runs of drills reported under this folder, the oldest first."""
    return read_each(page.parent for page in reports_folder.glob("*/report.json"))


def read_each(folders: Iterable[Path]) -> list[Run]:
    """Return the runs of drills reported in these folders, the oldest first."""
    runs = []
    pages = [folder / "report.json" for folder in folders]
    for page in sorted(pages, key=lambda path: path.stat().st_mtime):
        try:
            runs.append(msgspec.json.decode(page.read_bytes(), type=Run))
        except msgspec.ValidationError:  # of a benchmark, which is no drill
            continue
    return runs


def page(runs: Iterable[Run], *, order: Sequence[str] = ()) -> str:
    """Return the table of these runs, a row a drill, in `order`; those it does not name last."""
    by_drill: dict[str, list[Run]] = {}
    for run in runs:
        by_drill.setdefault(run.drill, []).append(run)
    named = [name for name in order if name in by_drill]
    names = named + sorted(by_drill.keys() - set(named))
    return table(_HEAD, [_row(name, by_drill[name]) for name in names]) + "\n"


def _row(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    judged = [run.figures for run in runs if run.figures]
    passed = f"{sum(run.passed for run in runs)}/{len(runs)}"
    if not judged:
        return (name, passed, *("not judged" if at == 0 else "" for at in range(len(_HEAD) - 2)))
    promised = runs[-1].promised
    return (
        name,
        passed,
        *(str(sum(counts)) for counts in _columns(judged, "failed", "lost", "doubled")),
        *_stall([figures.write_stall_s for figures in judged], promised.write_stall_s),
        *_stall([figures.read_stall_s for figures in judged], promised.read_stall_s),
        _seconds(max(_endless(figures.slowest_s) for figures in judged)),
        _range([figures.failovers for figures in judged]),
        f"{max(figures.rejoined_s for figures in judged):.1f}",
        f"{max(run.environment.drill_took_s for run in runs):.0f}",
    )


def _columns(judged: Sequence[Figures], *names: str) -> list[list[Any]]:
    return [[getattr(figures, name) for figures in judged] for name in names]


def _stall(measured_s: Sequence[float | None], promised_s: float | None) -> tuple[str, str, str]:
    promised = "–" if promised_s is None else f"≤ {promised_s:g}"
    stalls_s = [_endless(seconds) for seconds in measured_s]
    return _seconds(median(stalls_s)), _seconds(max(stalls_s)), promised


def _endless(seconds: float | None) -> float:
    return math.inf if seconds is None else seconds


def _range(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    return str(most) if least == most else f"{least}–{most}"


def _seconds(seconds: float) -> str:
    return "endless" if math.isinf(seconds) else f"{seconds:.2f}"
