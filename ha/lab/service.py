"""Service: what a lab asks of the service it carries, on an app host or at the endpoint."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from ha.lab import administration, operators, state
from ha.lab.commands import run, within
from ha.lab.errors import CommandFailed, LabFailed
from ha.lab.lab import Lab
from ha.lab.waiting import until

# The demo imports and reads thousands of meters, so many a second on a slow machine.
DEMO_S = 300.0
_DEMO_ACCOUNTS_A_S = 500
READY_S = 60.0
# Above the edge's own limit, so that its answer is seen and not our impatience.
CALL_S = 60.0


class CallRefused(LabFailed):
    """The endpoint answered with an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """How large a demo to load."""

    accounts: int
    months: int


class Loaded(msgspec.Struct, frozen=True):
    """What the demo says it did: the months it has readings of, an account to try."""

    tokens: dict[str, str]
    months: list[str]
    account_no: str


def administer(lab: Lab, *arguments: str, timeout_s: float = administration.DONE_S) -> str:
    """Run `evergrid-service` of the lab's release, and return what it printed."""
    release = state.load_known(lab.layout).release
    return administration.run(
        lab.layout, lab.topology, *arguments, release=release, timeout_s=timeout_s
    )


def converse(lab: Lab, *arguments: str) -> int:
    """Run `evergrid-service` of the release in the caller's terminal; return its exit code."""
    release = state.load_known(lab.layout).release
    return administration.converse(lab.layout, lab.topology, *arguments, release=release)


def load_demo(lab: Lab, demo: Demo) -> Loaded:
    """
    Load what is missing of the demo bureau, and keep the tokens it hands out.

    :raises LabFailed: if the tokens were handed out before, to a command that was killed
    """
    sizes = ["--accounts", str(demo.accounts), "--months", str(demo.months)]
    within_s = DEMO_S + demo.accounts / _DEMO_ACCOUNTS_A_S
    printed = administer(lab, "demo", *sizes, timeout_s=within_s).strip().splitlines()
    try:
        loaded = msgspec.json.decode(printed[-1], type=Loaded)
    except (IndexError, msgspec.DecodeError) as error:
        raise LabFailed(f"the demo ended without its answer: {printed[-1:]}") from error
    tokens = {**state.tokens(lab.layout), **loaded.tokens}
    if "billing_officer" not in tokens:
        raise LabFailed("the demo's tokens were shown once and are lost; take the lab down first")
    state.save_tokens(lab.layout, tokens)
    return loaded


def wait_until_ready(lab: Lab) -> None:
    """Return once the service says at the endpoint that it can write and read."""
    until(
        lambda: _try(lab, "/ready"),
        is_enough=lambda answer: answer[0] == 200,  # noqa: PLR2004 - HTTP's OK
        what="the service is ready",
        within_s=READY_S,
        step_s=0.3,
    )


def call(
    lab: Lab,
    method: str,
    path: str,
    *,
    token: str | None = None,
    body: object = None,
    key: str | None = None,
) -> dict[str, Any]:
    """
    Ask the endpoint from the client's network and return its JSON answer.

    :raises CallRefused: if the answer is an error
    """
    status, text = _curl(lab, method, path, token=token, body=body, key=key)
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's success
        raise CallRefused(f"{method} {path}: {status} {text[:300]}")
    answer: dict[str, Any] = json.loads(text)
    return answer


def _try(lab: Lab, path: str) -> tuple[int, str]:
    try:
        return _curl(lab, "GET", path)
    except CommandFailed as error:
        return 0, str(error)


def _curl(
    lab: Lab,
    method: str,
    path: str,
    *,
    token: str | None = None,
    body: object = None,
    key: str | None = None,
) -> tuple[int, str]:
    """Return the status with the body. Options come through standard input: a token is secret."""
    info = lab.info()
    headers = {"Authorization": token and f"Bearer {token}", "Idempotency-Key": key}
    lines = [f'url = "{info["endpoint"]}{path}"', f'request = "{method}"']
    lines += [f'header = "{name}: {value}"' for name, value in headers.items() if value]
    if body is not None:
        lines.append('header = "Content-Type: application/json"')
        lines.append(f"data = {json.dumps(json.dumps(body))}")
    argv = [*operators.curl(lab.layout), "--show-error", "--max-time", str(CALL_S)]
    argv += ["--write-out", "\n%{http_code}", "--config", "-"]
    printed = run(
        within(info["client_namespace"], argv), input="\n".join(lines), timeout_s=CALL_S + 5
    )
    found = re.fullmatch(r"(.*)\n(\d+)", printed, re.DOTALL)
    assert found, "curl writes the status last"
    return int(found[2]), found[1]
