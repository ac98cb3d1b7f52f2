"""One drill at a time on a lab."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from failover_tests import runs
from ha.lab.waiting import NotInTime


def lab(name):
    return SimpleNamespace(layout=SimpleNamespace(lab=name))


@pytest.fixture(autouse=True)
def _locks(monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "LOCKS", tmp_path)


def test_a_second_drill_on_a_lab_is_refused_while_the_first_runs():
    with runs._alone(lab("main")):
        with pytest.raises(runs.LabInUse, match="'main' already"), runs._alone(lab("main")):
            pass
        with runs._alone(lab("test")):
            pass


def test_a_drill_that_failed_leaves_the_lab_to_the_next():
    with pytest.raises(ZeroDivisionError), runs._alone(lab("main")):
        raise ZeroDivisionError
    with runs._alone(lab("main")):
        pass


@pytest.mark.parametrize("is_interrupted", [True, False])
def test_an_interrupted_drill_whose_cure_fails_is_the_last(is_interrupted, monkeypatch, tmp_path):
    monkeypatch.setattr(runs.environment, "described", lambda _: {})

    def drill(_):
        try:
            if is_interrupted:
                raise KeyboardInterrupt
        finally:
            raise NotInTime("a whole lab: not within 180 s")

    with pytest.raises(KeyboardInterrupt) if is_interrupted else nullcontext():
        runs.reported(lab("main"), "switchover", drill, reports_folder=tmp_path)
    [page] = tmp_path.rglob("report.md")
    assert "a whole lab" in page.read_text(encoding="utf-8")
