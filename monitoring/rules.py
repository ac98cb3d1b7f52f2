"""Alert rules as data: what each one reads, whom it calls, which runbook it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "rules"
_TEST_SUFFIX = "_test.yml"
_WORDS = frozenset({"and", "or", "unless", "offset", "bool"})
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"\w+")
_SELECTION = re.compile(r"(?<![\w.])([a-zA-Z_:][\w:]*)\b(?!\s*\()\s*(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert rule; `file` is the name of the file that holds it."""

    name: str
    expr: str
    severity: str
    summary: str
    runbook: str
    file: str


def files(folder: Path = FOLDER) -> list[Path]:
    """Return the rule files Prometheus loads, sorted; their promtool tests lie beside them."""
    return [path for path in sorted(folder.glob("*.yml")) if not path.name.endswith(_TEST_SUFFIX)]


def promtool_tests(folder: Path = FOLDER) -> list[Path]:
    """Return the tests of the rule files, sorted."""
    return sorted(folder.glob(f"*{_TEST_SUFFIX}"))


def alerts(folder: Path = FOLDER) -> tuple[Alert, ...]:
    """Return every alert of the rule files, in their order."""
    return tuple(alert for path in files(folder) for alert in _alerts_of(path))


def selections(expr: str) -> set[tuple[str, frozenset[str]]]:
    """Return each series the PromQL `expr` selects, with the labels it is selected by."""
    bare = _GROUPING.sub(" ", _RANGE.sub(" ", _STRING.sub('""', expr)))
    return {
        (match[1], frozenset(_LABEL.findall(match[2] or "")))
        for match in _SELECTION.finditer(bare)
        if match[1] not in _WORDS
    }


def groupings(expr: str) -> set[str]:
    """Return each label the PromQL `expr` groups or joins by."""
    return {label for match in _GROUPING.finditer(expr) for label in _NAME.findall(match[1])}


def _alerts_of(path: Path) -> Iterator[Alert]:
    """Yield the alerts of one rule file."""
    document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    for group in document["groups"]:
        for rule in group["rules"]:
            yield Alert(
                name=rule["alert"],
                expr=rule["expr"],
                severity=rule["labels"]["severity"],
                summary=rule["annotations"]["summary"],
                runbook=rule["annotations"]["runbook"],
                file=path.name,
            )
