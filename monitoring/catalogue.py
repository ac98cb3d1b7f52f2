"""The metric catalogue: what `catalogue.yml` promises, held against rules that read it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from monitoring.emissions import Emission
from monitoring.rules import Alert, groupings, selections

FILE = Path(__file__).parent / "catalogue.yml"
# What Prometheus or our scrape configuration adds to every series.
_LABELS_OF_EVERY_SERIES = frozenset({"job", "instance", "host", "cluster"})
_SERIES_OF_A_HISTOGRAM = ("_bucket", "_sum", "_count")


class CatalogueWrong(Exception):
    """The catalogue itself cannot be read."""


class Metric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One catalogued metric; `by` names the jobs that emit it, none if an exporter does."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    unit: str
    says: str
    by: tuple[Literal["api", "worker", "warden", "backup"], ...] = ()


class Exporter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program of others, the scrape jobs that ask it, what our rules read of it."""

    exporter: str
    jobs: tuple[str, ...]
    metrics: tuple[Metric, ...]


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every metric we emit, every metric of others we read."""

    emitted: tuple[Metric, ...]
    read: tuple[Exporter, ...]

    def labels_by_series(self) -> dict[str, frozenset[str]]:
        """Return each series a rule may name, with the labels it bears; a histogram has three."""
        metrics = (
            *self.emitted,
            *(metric for exporter in self.read for metric in exporter.metrics),
        )
        return {series: _labels(metric, series) for metric in metrics for series in _series(metric)}


def load(path: Path = FILE) -> Catalogue:
    """
    Return the catalogue written at `path`.

    :raises CatalogueWrong: if it is not YAML, or a value is missing, wrong or one too many
    """
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(document, Catalogue)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise CatalogueWrong(f"{path.name} cannot be read: {error}") from error


def faults_of_rules(catalogue: Catalogue, alerts: tuple[Alert, ...]) -> list[str]:
    """Return a sentence for each series or label an alert reads though nobody promises it."""
    known = catalogue.labels_by_series()
    return [fault for alert in alerts for fault in _faults_of_alert(alert, known)]


def faults_of_emissions(catalogue: Catalogue, emissions: tuple[Emission, ...]) -> list[str]:
    """Return a sentence for each metric emitted otherwise than catalogued, or not at all."""
    promised = {metric.name: metric for metric in catalogue.emitted}
    faults = [_fault(emission, promised.get(emission.name)) for emission in emissions]
    silent = promised.keys() - {emission.name for emission in emissions}
    missing = [f"{name} is catalogued, but nothing emits it" for name in sorted(silent)]
    return [fault for fault in faults if fault] + missing


def _faults_of_alert(alert: Alert, known: dict[str, frozenset[str]]) -> list[str]:
    """Return what is wrong with the series one alert reads, with the labels it groups them by."""
    faults = []
    borne: set[str] = set()
    for series, labels in sorted(selections(alert.expr), key=str):
        borne |= known.get(series, frozenset())
        if series not in known:
            faults.append(f"{alert.name} reads {series}, which is not catalogued")
        elif unknown := labels - known[series]:
            faults.append(f"{alert.name} selects {series} by {', '.join(sorted(unknown))}")
    if strange := groupings(alert.expr) - borne:
        faults.append(f"{alert.name} groups by {', '.join(sorted(strange))}")
    return faults


def _fault(emission: Emission, metric: Metric | None) -> str:
    """Return what is wrong with `emission`, or nothing."""
    if metric is None:
        return f"{emission.where} emits {emission.name}, which is not catalogued"
    if (emission.type, emission.labels) != (metric.type, metric.labels):
        return (
            f"{emission.where} emits {emission.name} as {emission.type}{emission.labels}; "
            f"catalogued is {metric.type}{metric.labels}"
        )
    return ""


def _series(metric: Metric) -> tuple[str, ...]:
    """Return the names under which Prometheus keeps `metric`."""
    if metric.type == "histogram":
        return tuple(metric.name + suffix for suffix in _SERIES_OF_A_HISTOGRAM)
    return (metric.name,)


def _labels(metric: Metric, series: str) -> frozenset[str]:
    """Return the labels a rule may select `series` of `metric` by."""
    borders = {"le"} if series.endswith("_bucket") else set()
    return _LABELS_OF_EVERY_SERIES | borders | {*metric.labels}
