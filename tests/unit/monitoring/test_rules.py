"""Every alert: tested on both sides of its threshold, explained by a runbook of its name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ha.warden.metrics import ALL_DEEDS
from monitoring import promtool, rules

ROOT = Path(__file__).parents[3]
ALERTS = rules.alerts()
WANTED = {
    "PrimaryMissing", "PrimariesTwo", "QuorumStandbyMissing", "ReplicaNotStreaming",
    "ReplicationLagging", "PatroniPaused", "ApiErrorRatioHigh", "ApiSlow", "EdgeWithoutServer",
    "EtcdWithoutLeader", "EtcdMemberMissing", "BillRunStuck", "WorkerSilent", "TargetDown",
    "LeaderNotWritable", "WardenActed", "FenceLeft", "WardenBlind", "DatabaseDiskLow",
    "DatabaseDiskEnding", "RequestsRefused", "SignInsFailing",
    "BackupOld", "ArchiveStalled", "RestoreDrillOld",
}  # fmt: skip
# They may not wait: what failed, or was done, stays so.
EVENTS = {"BillsFailing", "WardenActed"}
SECTIONS = [
    "What it means", "What clients feel", "Look here first", "Do this", "How to test it",
]  # fmt: skip
COMPARISON = re.compile(r"(==|>|<) ([\d.]+)$")

each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


def cases():
    """Every expectation of the promtool tests, as (alert, how many it expects)."""
    for path in rules.promtool_tests():
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for case in test["alert_rule_test"]:
                yield case["alertname"], len(case.get("exp_alerts", []))


def complaints(change, folder):
    """Return what promtool says of the tests when every rule is changed by `change`."""
    for path in [*rules.files(), *rules.promtool_tests()]:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in document.get("groups", []):
            group["rules"] = [change(rule) for rule in group["rules"]]
        (folder / path.name).write_text(yaml.safe_dump(document))
    with pytest.raises(promtool.PromtoolRefused) as refused:
        promtool.test(rules.promtool_tests(folder))
    return str(refused.value)


@pytest.fixture(scope="module")
def said_of_the_deaf(tmp_path_factory):
    """Every alert's condition made impossible."""
    return complaints(
        lambda rule: {**rule, "expr": f"({rule['expr']}) < -1"}, tmp_path_factory.mktemp("deaf")
    )


@pytest.fixture(scope="module")
def said_of_the_jumpy(tmp_path_factory):
    """Every alert's last comparison made true of any value."""
    return complaints(
        lambda rule: {**rule, "expr": COMPARISON.sub(">= -1e12", rule["expr"])},
        tmp_path_factory.mktemp("jumpy"),
    )


@pytest.fixture(scope="module")
def said_of_the_hasty(tmp_path_factory):
    """Every alert made to fire at once."""
    return complaints(lambda rule: {**rule, "for": "0s"}, tmp_path_factory.mktemp("hasty"))


def test_what_must_be_seen_has_an_alert():
    assert {alert.name for alert in ALERTS} >= WANTED


def test_the_deeds_somebody_is_called_for_are_deeds_of_the_warden():
    (expr,) = (alert.expr for alert in ALERTS if alert.name == "WardenActed")
    assert set(re.findall(r"\w+", re.search(r'deed=~"([^"]+)"', expr)[1])) <= set(ALL_DEEDS)


def test_promtool_accepts_the_rules():
    assert "SUCCESS" in promtool.check(rules.files())


def test_promtool_accepts_their_tests():
    assert "SUCCESS" in promtool.test(rules.promtool_tests())


def test_no_two_alerts_share_a_name():
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)


@each_alert
def test_an_alert_is_tested_on_both_sides_of_its_threshold(alert):
    expected = [count for name, count in cases() if name == alert.name]
    assert min(expected) == 0, "no test says when it must stay quiet"
    assert max(expected) > 0, "no test says when it must fire"


@each_alert
def test_its_test_notices_that_an_alert_went_deaf(alert, said_of_the_deaf):
    assert f"alertname:{alert.name}," in said_of_the_deaf.replace(" ", "")


@each_alert
def test_its_test_notices_that_an_alert_lost_its_threshold(alert, said_of_the_jumpy):
    assert COMPARISON.search(alert.expr)
    assert f"alertname:{alert.name}," in said_of_the_jumpy.replace(" ", "")


@each_alert
def test_its_test_notices_that_an_alert_does_not_wait(alert, said_of_the_hasty):
    if alert.name in EVENTS:
        return
    assert f"alertname:{alert.name}," in said_of_the_hasty.replace(" ", "")


@each_alert
def test_an_alert_is_a_page_or_a_ticket(alert):
    assert alert.severity in {"page", "ticket"}


@each_alert
def test_a_summary_is_a_sentence_with_values(alert):
    assert re.fullmatch(r".*\{\{ \$(labels|value).*\.", alert.summary)


@each_alert
def test_an_alert_has_a_runbook_of_its_name(alert):
    assert alert.runbook == f"monitoring/runbooks/{alert.name}.md"
    lines = (ROOT / alert.runbook).read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"# {alert.name}"
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == SECTIONS


def test_a_runbook_has_an_alert():
    runbooks = {path.stem for path in (ROOT / "monitoring/runbooks").glob("*.md")}
    assert runbooks == {alert.name for alert in ALERTS}


def test_a_promtool_that_is_missing_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(promtool.PromtoolRefused, match="promtool could not be run"):
        promtool.check(rules.files())
