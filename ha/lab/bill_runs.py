"""Bill runs of a lab: its bureau's officer asks for one, the head office approves it."""

from __future__ import annotations

from typing import Any

from ha.lab import service, state
from ha.lab.lab import Lab
from ha.lab.waiting import until

BILLS_S = 180.0

# What the service shows of a run.
Shown = dict[str, Any]


def bill(lab: Lab, month: str) -> Shown:
    """Bill the lab's bureau for one month ("2026-10"); return the finished run."""
    key = f"lab-up-{month}"
    run = reaches(lab, ask(lab, month, key=key), "calculated", "finished")
    if run["state"] == "calculated":
        approve(lab, run, key=f"{key}-approved")
    return reaches(lab, run, "finished")


def ask(lab: Lab, month: str, *, key: str) -> Shown:
    """Ask for a run."""
    asked = {"month": month, "bureau": 1}
    return _call(lab, "POST", "/v1/bill-runs", "billing_officer", asked, key)


def seen(lab: Lab, run: Shown) -> Shown:
    """Look at a run again."""
    return _call(lab, "GET", _path(run), "head_office")


def reaches(
    lab: Lab, run: Shown, *states: str, within_s: float = BILLS_S, step_s: float = 0.5
) -> Shown:
    """
    Return a run when it has come to one of `states`; look every `step_s`.

    :raises NotInTime: if it does not
    """
    return until(
        lambda: seen(lab, run),
        is_enough=lambda shown: shown["state"] in states,
        what=f"the bills of {run['month']} to be {' or '.join(states)}",
        within_s=within_s,
        step_s=step_s,
    )


def approve(lab: Lab, run: Shown, *, key: str) -> None:
    """Approve a calculated run as it was shown."""
    sums = {name: run[name] for name in ("calculated", "calculated_kwh", "calculated_fen")}
    signed = sums | {"sample_result": "A lab's bills, approved as they are."}
    _call(lab, "POST", f"{_path(run)}/approvals", "head_office", signed, key)


def reject(lab: Lab, run: Shown, *, reason: str, key: str) -> None:
    """Reject a run: nothing of it is issued."""
    _call(lab, "POST", f"{_path(run)}/rejections", "head_office", {"reason": reason}, key)


def _path(run: Shown) -> str:
    return f"/v1/bill-runs/{run['bill_run_id']}"


def _call(
    lab: Lab, method: str, path: str, role: str, body: object = None, key: str | None = None
) -> Shown:
    token = state.tokens(lab.layout)[role]
    return service.call(lab, method, path, token=token, body=body, key=key)
