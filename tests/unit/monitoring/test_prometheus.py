"""What a running Prometheus sees, as `evergrid-monitor` shows it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from monitoring import prometheus
from monitoring.__main__ import main


def run(*arguments):
    return CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})


def test_a_page_comes_before_a_ticket(prometheus_url):
    seen = [(alert.name, alert.state) for alert in prometheus.alerts(prometheus_url)]
    assert seen == [("PrimaryMissing", "pending"), ("TargetDown", "firing")]


def test_who_does_not_answer_comes_first(prometheus_url):
    seen = [(target.labels["host"], target.health) for target in prometheus.targets(prometheus_url)]
    assert seen == [("app1", "down"), ("mon1", "up")]


def test_a_firing_alert_is_shown_with_its_runbook(prometheus_url):
    shown = run("alerts", "--prometheus", prometheus_url)
    assert shown.exit_code == 1
    assert "[app1] is down." in shown.output
    assert "TargetDown.md" in shown.output


def test_a_silent_target_is_shown_with_its_error(prometheus_url):
    shown = run("targets", "--prometheus", prometheus_url)
    assert shown.exit_code == 1
    assert "connection refused" in shown.output


@pytest.mark.parametrize("command", ["alerts", "targets"])
def test_a_prometheus_that_is_away_is_named(command, dead_port):
    url = f"http://127.0.0.1:{dead_port}"
    shown = run(command, "--prometheus", url)
    assert shown.exit_code == 2
    assert f"{url} gave no usable answer" in shown.output


def test_what_is_no_prometheus_is_refused():
    with pytest.raises(prometheus.PrometheusAway, match="not an http URL"):
        prometheus.alerts("file:///etc/passwd")
