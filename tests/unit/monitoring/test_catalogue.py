"""The catalogue holds for what the rules read, for what the service emits."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from monitoring import catalogue, emissions, rules
from monitoring.__main__ import main

SOURCE = """
import prometheus_client
from prometheus_client import Counter, Gauge
OTHER = Counter("python_gc_total", "Not ours.")
BILLS = Counter("evergrid_bills_issued_total", "Bills.")
RETRIES = prometheus_client.Counter("evergrid_transaction_retries_total", "x", labelnames=["why"])
STATE = Gauge("evergrid_made_up", "x", ("a", "b"))
"""


@pytest.fixture
def book():
    return catalogue.load()


@pytest.fixture
def service(tmp_path):
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "metrics.py").write_text(SOURCE)
    return emissions.found_in(folder)


def alert(expr):
    return rules.Alert(
        name="A", expr=expr, severity="page", summary="A.", runbook="A.md", file="a.yml"
    )


def test_the_rules_read_only_catalogued_metrics(book):
    assert catalogue.faults_of_rules(book, rules.alerts()) == []


def test_what_we_run_emits_each_catalogued_metric_as_catalogued(book):
    assert catalogue.faults_of_emissions(book, emissions.found_in(*emissions.OURS)) == []


def test_every_metric_the_rules_read_of_others_is_read(book):
    read = {series for alert in rules.alerts() for series, _ in rules.selections(alert.expr)}
    catalogued = {metric.name for exporter in book.read for metric in exporter.metrics}
    assert {name for name in catalogued if not any(s.startswith(name) for s in read)} == set()


@pytest.mark.parametrize(
    ("expr", "fault"),
    [
        ("max(patroni_master) > 1", "A reads patroni_master, which is not catalogued"),
        ('up{jib="api"} == 0', "A selects up by jib"),
        ("rate(evergrid_http_request_seconds_sum{le='1'}[5m]) > 1",
         "A selects evergrid_http_request_seconds_sum by le"),
        ("sum by (cluser) (patroni_primary) > 1", "A groups by cluser"),
        ("rate(evergrid_http_request_seconds[5m]) > 1",
         "A reads evergrid_http_request_seconds, which is not catalogued"),
    ],
)  # fmt: skip
def test_a_rule_that_could_never_fire_is_reported(book, expr, fault):
    assert fault in catalogue.faults_of_rules(book, (alert(expr),))


def test_a_metric_beyond_the_catalogue_is_reported(book, service):
    faults = catalogue.faults_of_emissions(book, service)
    assert "service/metrics.py:7 emits evergrid_made_up, which is not catalogued" in faults


def test_other_labels_than_catalogued_are_reported(book, service):
    faults = catalogue.faults_of_emissions(book, service)
    assert (
        "service/metrics.py:6 emits evergrid_transaction_retries_total as counter('why',); "
        "catalogued is counter('reason',)"
    ) in faults


def test_a_metric_nobody_emits_is_reported(book, service):
    faults = catalogue.faults_of_emissions(book, service)
    assert "evergrid_http_requests_total is catalogued, but nothing emits it" in faults
    assert not any("python_gc" in fault or "bills_issued" in fault for fault in faults)


def test_a_catalogue_with_an_unknown_value_is_refused(tmp_path):
    path = tmp_path / "catalogue.yml"
    path.write_text("emitted: []\nread: []\nwritten: []\n")
    with pytest.raises(catalogue.CatalogueWrong, match="written"):
        catalogue.load(path)


def test_the_command_says_that_all_is_well():
    shown = CliRunner().invoke(main, ["catalogue", "check"])
    assert (shown.exit_code, shown.stderr) == (0, "")
