"""Runs of drills, one after the other on one lab, each with its report."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from failover_tests import environment, reports
from failover_tests.drills.catalogue import Runnable
from failover_tests.stage import Stage
from ha.lab import Lab
from ha.lab.errors import LabFailed

# Where Linux keeps files in memory (shm_overview(7)).
_MEMORY = "/dev/shm"  # noqa: S108  # TemporaryDirectory makes a folder of our own there


def reported(lab: Lab, name: str, drill: Runnable, *, reports_folder: Path, load_s: float) -> Path:
    """Run a drill; write its report, its evidence; return their folder."""
    folder = reports.folder_of(reports_folder, name)
    described = environment.described(lab)
    with TemporaryDirectory(prefix="evergrid-drill-", dir=_MEMORY) as written:
        stage = Stage(lab, folder=Path(written), load_s=load_s)
        try:
            outcome = drill(stage)
        except LabFailed as error:
            reason = f"{type(error).__name__}: {error}"
            reports.write_unjudged(name, reason, environment=described, folder=folder)
        else:
            reports.write(name, outcome, environment=described, folder=folder)
        finally:
            reports.keep_evidence(Path(written), folder=folder)
    return folder
