"""Metrics as the source emits them, found by reading it instead of importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What we run lies beside this package, in a checkout as in an installation.
OURS = tuple(Path(__file__).parents[1] / name for name in ("service", "ha"))
_TYPES = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}
_FAMILIES = {f"{name}MetricFamily": metric_type for name, metric_type in _TYPES.items()}
_PREFIX = "evergrid_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """One constructor of a metric; `where` is file:line."""

    name: str
    type: str
    labels: tuple[str, ...]
    where: str


def found_in(*folders: Path) -> tuple[Emission, ...]:
    """Return every metric that modules below `folders` construct by a literal name, by place."""
    return tuple(
        emission
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
        for emission in _in_module(path, folder)
    )


def _in_module(path: Path, folder: Path) -> Iterator[Emission]:
    """Yield the metrics of one module, top to bottom."""
    place = path.relative_to(folder.parent).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        metric_type = (_TYPES | _FAMILIES).get(_callee(node))
        name = _literal(_argument(node, 0, "name"))
        if metric_type and isinstance(name, str) and name.startswith(_PREFIX):
            yield Emission(
                name=name,
                type=metric_type,
                labels=_labels(node),
                where=f"{place}:{node.lineno}",
            )


def _callee(call: ast.Call) -> str:
    """Return the last name of what is called: `Counter` for `prometheus_client.Counter(...)`."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _labels(call: ast.Call) -> tuple[str, ...]:
    """Return the label names of the metric; empty if it has none."""
    written = _literal(_argument(call, 2, "labelnames") or _argument(call, 2, "labels"))
    return tuple(str(label) for label in written) if isinstance(written, list | tuple) else ()


def _argument(call: ast.Call, position: int, keyword: str) -> ast.expr | None:
    """Return the argument given by position or by keyword, if any."""
    if len(call.args) > position:
        return call.args[position]
    return next((given.value for given in call.keywords if given.arg == keyword), None)


def _literal(node: ast.expr | None) -> object:
    """Return the value of a literal; nothing for what only running the code could tell."""
    try:
        return ast.literal_eval(node) if node is not None else None
    except ValueError:
        return None
