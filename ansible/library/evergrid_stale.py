"""Ansible module: which programs of a host run with older files than what lies there now."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: evergrid_stale
short_description: Tells which programs run with older files than what lies there now
description:
  - Compares when a program started, or last read its configuration, with the times of its files.
  - It looks at what is, not at what a playbook did before; so a run that was cut short between
    placing a file and restarting its program is made good by the next one.
  - Changes nothing.
options:
  units:
    description: The programs of the host in the order in which they start, from its manifest.
    type: list
    elements: dict
    required: true
  files:
    description: The files of the host, from its manifest.
    type: list
    elements: dict
    required: true
author: Evergrid
"""
RETURN = r"""
stopped:
  description: Units that do not run.
  type: list
  returned: always
restart:
  description: Units that must start anew.
  type: list
  returned: always
reload:
  description: Units that must read their configuration anew.
  type: list
  returned: always
"""
EXAMPLES = r"""
- name: Ask which programs are behind
  evergrid_stale:
    units: "{{ files_manifest.units }}"
    files: "{{ files_manifest.files }}"
  register: programs_stale
"""

# Written by each unit's ExecReload (ha/templates/unit.service.j2).
RELOADED = "/run/evergrid/{}.reloaded"
ASKED = ("ActiveState", "ExecMainStartTimestampMonotonic")
# As ha/deployment.py writes them into the manifest.
Unit = dict[str, Any]
File = dict[str, Any]
RUNNING = frozenset({"active", "reloading", "activating"})


def judge(
    unit: Unit,
    files: list[File],
    *,
    started_s: float,
    reloaded_s: float,
    modified_s: dict[str, float],
) -> str:
    """
    Return "restart", "reload" or "" for a program that runs.

    All times are seconds since 1970, `modified_s` by path. What is of the very moment of the start
    counts as newer: a restart too many is harmless.
    """
    mine = [file for file in files if unit["program"] in file["programs"]]
    newer = [
        file
        for file in mine
        if modified_s.get(file["path"], 0.0) >= max(started_s, _since(file, reloaded_s))
    ]
    if any(file["change"] == "restart" or not unit["can_reload"] for file in newer):
        return "restart"
    return "reload" if newer else ""


def _since(file: File, reloaded_s: float) -> float:
    """Return when a reload brought the file in; a file that needs a restart, never."""
    return reloaded_s if file["change"] == "reload" else 0.0


def states(module: AnsibleModule, units: list[Unit]) -> list[dict[str, str]]:
    """Return what systemd says of each unit, in their order."""
    found = []
    for unit in units:
        argv = ["systemctl", "show", "--property", ",".join(ASKED), unit["unit"]]
        _, printed, _ = module.run_command(argv, check_rc=True)
        found.append(dict(line.split("=", 1) for line in printed.splitlines() if "=" in line))
    return found


def modified(path: str) -> float:
    """Return when a file was last written, 0 if there is none."""
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0


def main() -> None:
    """Look at every program, once."""
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "dict", "required": True},
            "files": {"type": "list", "elements": "dict", "required": True},
        },
        supports_check_mode=True,
    )
    units, files = module.params["units"], module.params["files"]
    modified_s = {file["path"]: modified(file["path"]) for file in files}
    booted_s = time.time() - time.monotonic()
    found = {"stopped": [], "restart": [], "reload": []}
    for unit, state in zip(units, states(module, units), strict=True):
        if state["ActiveState"] not in RUNNING:
            found["stopped"].append(unit["unit"])
            continue
        verdict = judge(
            unit,
            files,
            started_s=booted_s + int(state["ExecMainStartTimestampMonotonic"]) / 1e6,
            reloaded_s=modified(RELOADED.format(unit["program"])),
            modified_s=modified_s,
        )
        if verdict:
            found[verdict].append(unit["unit"])
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
