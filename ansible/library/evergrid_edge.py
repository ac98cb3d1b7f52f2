"""Ansible module: takes an app host out of this edge's rotation, or puts it back."""

from __future__ import annotations

import csv
import socket
import time
from collections.abc import Callable

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: evergrid_edge
short_description: Takes an app host out of an edge's rotation, or puts it back
description:
  - Runs on an edge host and speaks with HAProxy through its admin socket, as C(ha/lab/rolling.py)
    does in the lab.
  - Out means that no new request is sent, that all that were sent have been answered, and that
    idle connections are closed. In means that the host is up for this edge again.
options:
  host:
    description: The app host.
    type: str
    required: true
  state:
    description: Where it shall be.
    type: str
    choices: [out, in]
    required: true
  within_s:
    description: How long to wait for the last answer, or for the host to be up, in seconds.
    type: int
    required: true
author: Evergrid
"""
EXAMPLES = r"""
- name: Send the host no request
  evergrid_edge:
    host: app1
    state: out
    within_s: 34
"""

SOCKET = "/run/evergrid/haproxy/admin.sock"
# Whose servers are told what to do. Those of the other one, which reads go to, do the same, but
# those of last resort; an edge of an older release has no such backend.
BACKEND = "api"
BACKENDS = (BACKEND, "api_reads")
LAST_RESORT = "-unchecked"
# It answers from memory.
ANSWER_S = 3.0
STEP_S = 0.2


class Refused(Exception):
    """HAProxy does not answer, or does not do what it is told."""


def ask(order: str) -> str:
    """
    Return HAProxy's answer to one order.

    :raises Refused: if there is none
    """
    try:
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(ANSWER_S)
            admin.connect(SOCKET)
            admin.sendall(f"{order}\n".encode())
            with admin.makefile("r", encoding="utf-8") as answer:
                return answer.read()
    except OSError as error:
        raise Refused(f"HAProxy does not answer: {error}") from error


def tell(server: str, state: str) -> None:
    """
    Set a server to ready, drain or maint.

    :raises Refused: if there is no such server
    """
    told = BACKENDS if server.endswith(LAST_RESORT) else (BACKEND,)
    for backend in sorted({row["pxname"] for row in rows(*told)} | {BACKEND}):
        if answer := ask(f"set server {backend}/{server} state {state}").strip():
            raise Refused(f"{backend}/{server} to {state}: {answer}")


def refuse_if_alone(host: str) -> None:
    """
    Refuse to take the host away when no other is sent requests.

    :raises Refused: then
    """
    others = [row for row in rows(BACKEND) if row["svname"] not in {host, "BACKEND"}]
    if not any(is_up(row) for row in others if not row["svname"].endswith(LAST_RESORT)):
        raise Refused(f"without {host} no app host would answer")


def rows(*backends: str) -> list[dict[str, str]]:
    """
    Return what HAProxy counts of each server of `backends` (`show stat`).

    :raises Refused: if it does not answer
    """
    found = csv.DictReader(ask("show stat").removeprefix("# ").splitlines())
    return [row for row in found if row["pxname"] in backends]


def counts(host: str) -> dict[str, str]:
    """
    Return what HAProxy counts of the host, writes and reads, in its own words (`show stat`).

    :raises Refused: if it does not know it
    """
    found = [row for row in rows(*BACKENDS) if row["svname"] == host]
    told = [row for row in found if row["pxname"] == BACKEND]
    if not told:
        raise Refused(f"this edge knows no {host}")
    sums = {name: str(sum(int(row[name]) for row in found)) for name in ("scur", "qcur")}
    return told[0] | sums


def is_idle(row: dict[str, str]) -> bool:
    """Test if every request that was sent has been answered."""
    return int(row["scur"]) + int(row["qcur"]) == 0


def is_up(row: dict[str, str]) -> bool:
    """Test if the host is sent requests."""
    return row["status"].startswith("UP")


def wait(host: str, is_enough: Callable[[dict[str, str]], bool], what: str, within_s: int) -> None:
    """
    Return once what is counted of the host is enough.

    :raises Refused: if that takes longer than `within_s`
    """
    deadline_s = time.monotonic() + within_s
    while not is_enough(row := counts(host)):
        if time.monotonic() > deadline_s:
            raise Refused(f"{what}: not within {within_s} s; last seen: {row['status']}")
        time.sleep(STEP_S)


def take_out(host: str, within_s: int) -> None:
    """Send the host nothing new, wait for what it has, then let it not exist."""
    refuse_if_alone(host)
    tell(f"{host}{LAST_RESORT}", "maint")
    tell(host, "drain")
    wait(host, is_idle, f"{host} has answered every request", within_s)
    tell(host, "maint")


def put_in(host: str, within_s: int) -> None:
    """Let the host be sent requests as soon as it answers."""
    tell(host, "ready")
    tell(f"{host}{LAST_RESORT}", "ready")
    wait(host, is_up, f"{host} is up", within_s)


def main() -> None:
    """Do what is needed, if anything."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["out", "in"], "required": True},
            "within_s": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    host, state = module.params["host"], module.params["state"]
    try:
        row = counts(host)
        # Where it was put back by a run that was cut short, its other name is still left out.
        names = {host, f"{host}{LAST_RESORT}"}
        others = [each["status"] for each in rows(*BACKENDS) if each["svname"] in names]
        is_back = is_up(row) and not any(status.startswith("MAINT") for status in others)
        is_done = is_back if state == "in" else row["status"].startswith("MAINT")
        if not is_done and not module.check_mode:
            (put_in if state == "in" else take_out)(host, module.params["within_s"])
    except Refused as refusal:
        module.fail_json(msg=str(refusal))
    module.exit_json(changed=not is_done)


if __name__ == "__main__":
    main()
