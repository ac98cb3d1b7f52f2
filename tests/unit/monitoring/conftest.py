"""A real Prometheus for the tests of this folder, asked over HTTP like any other."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest

from monitoring import prometheus

START_MAX_S = 30

CONFIGURATION = """
global: {{scrape_interval: 4s, scrape_timeout: 4s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["127.0.0.1:{port}"], labels: {{host: mon1, cluster: main}}}}]
  - job_name: api
    static_configs: [{{targets: ["127.0.0.1:{dead}"], labels: {{host: app1, cluster: main}}}}]
"""
RULES = """
groups:
  - name: test
    rules:
      - alert: TargetDown
        expr: up{job="api"} == 0
        labels: {severity: ticket}
        annotations: {summary: "[{{ $labels.host }}] is down.", runbook: TargetDown.md}
      - alert: PrimaryMissing
        expr: vector(1)
        for: 1h
        labels: {severity: page}
        annotations: {summary: "No primary.", runbook: PrimaryMissing.md}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def has_asked(url):
    """Test if both targets were scraped and judged."""
    try:
        health = {target.health for target in prometheus.targets(url)}
        return health == {"up", "down"} and any(a.state == "firing" for a in prometheus.alerts(url))
    except prometheus.PrometheusAway:
        return False


@pytest.fixture(scope="session")
def dead_port():
    """A port that is taken, so that nobody else gets it, but refuses whoever asks."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="session")
def prometheus_url(tmp_path_factory, dead_port):
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=port, dead=dead_port))
    (folder / "rules.yml").write_text(RULES)
    arguments = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(arguments, cwd=folder) as process:
        try:
            deadline = time.monotonic() + START_MAX_S
            while not has_asked(url):
                assert time.monotonic() < deadline, f"no scrape within {START_MAX_S} s"
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
