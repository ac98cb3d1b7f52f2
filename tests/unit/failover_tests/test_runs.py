"""One drill at a time on a lab."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from failover_tests import runs


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
