"""The table of many runs: the median, the worst, beside what was promised."""

from __future__ import annotations

import msgspec
import pytest

from failover_tests import figures, reports, summary
from failover_tests.judgement import judged
from failover_tests.promises import Promises
from failover_tests.summary import Figures, Promised, Run

FELT = Figures(
    requests=4000,
    failed=0,
    lost=0,
    doubled=0,
    repeated=0,
    write_stall_s=2.0,
    read_stall_s=0.3,
    slowest_s=2.4,
    failovers=1,
    rejoined_s=11.0,
)


def run(drill="primary-power-off", *, passed=True, promised=None, **changed):
    felt = msgspec.structs.replace(FELT, **changed)
    return Run(drill=drill, passed=passed, figures=felt, promised=promised or Promised())


def cells(page, row=0):
    return [cell.strip() for cell in page.splitlines()[2 + row].strip("|").split("|")]


def test_a_drill_is_one_row_with_its_median_and_its_worst():
    promised = Promised(write_stall_s=4.0, read_stall_s=1.0)
    stalls = (2.0, 3.0, 2.1)
    page = summary.page([run(write_stall_s=s, promised=promised) for s in stalls])
    assert cells(page) == [
        *("primary-power-off", "3/3", "0", "0", "0"),
        *("2.10", "3.00", "≤ 4", "0.30", "0.30", "≤ 1"),
        *("2.40", "1", "11.0", "0"),
    ]


def test_failures_of_all_runs_are_added_up():
    page = summary.page([run(failed=2, lost=1), run(failed=3, doubled=4, passed=False)])
    assert cells(page)[1:5] == ["1/2", "5", "1", "4"]


def test_a_stall_that_never_ended_is_endless():
    page = summary.page([run(write_stall_s=None), run(), run()])
    assert cells(page)[5:7] == ["2.00", "endless"]


def test_a_drill_that_was_not_judged_did_not_pass():
    unjudged = Run(drill="warden-killed", passed=False)
    assert cells(summary.page([unjudged]))[:3] == ["warden-killed", "0/1", "not judged"]
    mixed = [Run(drill="primary-power-off", passed=False), run()]
    assert cells(summary.page(mixed))[:2] == ["primary-power-off", "1/2"]


def test_drills_come_in_the_order_of_the_catalogue_others_last():
    page = summary.page([run("a"), run("b"), run("c")], order=("c", "b"))
    assert [cells(page, row)[0] for row in range(3)] == ["c", "b", "a"]


def test_counts_that_differ_are_a_range():
    assert cells(summary.page([run(failovers=0), run(failovers=1)]))[12] == "0–1"


def test_a_written_report_is_read_again(tmp_path, evidence):
    outcome = judged(evidence, Promises(write_stall_s=4.0))
    folder = reports.folder_of(tmp_path, "primary-power-off")
    page = reports.write(
        "primary-power-off", outcome, environment={"drill_took_s": 31.2}, folder=folder
    )
    [found] = summary.read(tmp_path)
    assert (found.drill, found.passed) == ("primary-power-off", True)
    assert found.figures == figures.of(evidence)
    assert found.environment.drill_took_s == 31.2
    assert found.promised == Promised(write_stall_s=4.0)
    assert "# Drill primary-power-off: passed" in page.read_text(encoding="utf-8")


def test_a_report_of_what_could_not_be_judged_is_read_again(tmp_path):
    folder = reports.folder_of(tmp_path, "warden-killed")
    reports.write_unjudged("warden-killed", "no warden runs", environment={}, folder=folder)
    assert summary.read(tmp_path) == [Run(drill="warden-killed", passed=False)]


@pytest.mark.parametrize("text", ['{"run": "bench1", "phases": []}'])
def test_a_benchmark_is_no_drill(tmp_path, text):
    folder = reports.folder_of(tmp_path, "bench")
    (folder / "report.json").write_text(text, encoding="utf-8")
    assert summary.read(tmp_path) == []
