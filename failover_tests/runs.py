"""Runs of drills, one after the other on one lab, each with its report."""

from __future__ import annotations

import fcntl
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from failover_tests import environment, reports
from failover_tests.conditions import Conditions
from failover_tests.drills.catalogue import Runnable
from failover_tests.stage import Stage
from ha.lab import Lab
from ha.lab.errors import LabFailed
from ha.lab.handover import silent
from ha.lab.state import LOCKS

# Where Linux keeps files in memory (shm_overview(7)).
_MEMORY = "/dev/shm"  # noqa: S108  # TemporaryDirectory makes a folder of our own there

_AS_PROMISED = Conditions()


class LabInUse(LabFailed):
    """Another drill runs on the lab."""


def reported(
    lab: Lab,
    name: str,
    drill: Runnable,
    reports_folder: Path,
    conditions: Conditions = _AS_PROMISED,
    *,
    say: Callable[[str], None] = silent,
) -> Path:
    """
    Run a drill; write its report, its evidence; return their folder.

    :raises LabInUse: if a drill runs on the lab already
    """
    with _alone(lab):
        folder = reports.folder_of(reports_folder, name)
        _report(lab, name, drill, folder=folder, conditions=conditions, say=say)
        return folder


@contextmanager
def _alone(lab: Lab) -> Iterator[None]:
    """Keep other drills from the lab: each would judge what the other's clients did."""
    with (LOCKS / f"evergrid-drill-{lab.layout.lab}").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LabInUse(f"a drill runs on the lab {lab.layout.lab!r} already") from error
        yield


def _report(
    lab: Lab,
    name: str,
    drill: Runnable,
    *,
    folder: Path,
    conditions: Conditions,
    say: Callable[[str], None],
) -> None:
    described = environment.described(lab) | _described(conditions)
    with TemporaryDirectory(prefix="evergrid-drill-", dir=_MEMORY) as written:
        began_s = time.monotonic()
        stage = Stage(lab, folder=Path(written), conditions=conditions, say=say)
        try:
            outcome = drill(stage)
        except Exception as error:  # noqa: BLE001  # reported; the drills after it have to run
            reason = f"{type(error).__name__}: {error}"
            if not isinstance(error, LabFailed):
                reason += f"\n\n```\n{traceback.format_exc()}```"
            reports.write_unjudged(name, reason, environment=described, folder=folder)
            pass_on_interruption(error)
        else:
            described["drill_took_s"] = round(time.monotonic() - began_s, 1)
            reports.write(name, outcome, environment=described, folder=folder)
        finally:
            reports.keep_evidence(Path(written), folder=folder)


def _described(conditions: Conditions) -> dict[str, Any]:
    return {
        "payments_and_reads_per_s": [conditions.rate, conditions.rate],
        "promised_seconds_times": conditions.allowance,
    }


def pass_on_interruption(error: BaseException) -> None:
    """Go on interrupting if the error came of curing what an interrupted drill had broken."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        cause = cause.__context__
