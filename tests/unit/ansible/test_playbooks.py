"""The shape of playbooks and roles; what Ansible itself says of them, where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from ha import deployment, rules

ANSIBLE = Path(__file__).parents[3] / "ansible"
ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir())
PLAYBOOKS = sorted(path.relative_to(ANSIBLE).as_posix() for path in ANSIBLE.glob("playbooks/*.yml"))
# Where `ansible/prepare` puts it, for a control host or for its linter.
ANSIBLES = "/opt/evergrid/control/bin:/opt/evergrid/lint/bin"
# Issue 4 names them.
PROMISED = {"add_host", "backup", "check", "deploy", "remove_host", "replace_host", "restore",
            "rotate_certificates", "switchover", "upgrade_rolling"}  # fmt: skip
# A name that a role gives a value to, or reads; those of Ansible, of the inventory, of loops.
NAME = re.compile(r"(?<![\w.'\"/-])([a-z]+_[a-z_]+)\b(?!['\"(/])")


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def files(role):
    return sorted((ANSIBLE / "roles" / role / "tasks").glob("*.yml"))


def tasks(role):
    """Every task of a role, those of its blocks too."""
    found = [task for path in files(role) for task in read(path)]
    for task in found:  # grows while it is walked
        blocks = (task.get(kind, []) for kind in ("block", "rescue", "always"))
        found.extend(inner for block in blocks for inner in block)
    return found


def declared(role):
    options = read(ANSIBLE / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]
    return options["main"]["options"]


def defaults(role):
    path = ANSIBLE / "roles" / role / "defaults" / "main.yml"
    return read(path) if path.exists() else {}


def given(role):
    """Every name that the role's tasks give a value to."""
    found = set()
    for task in tasks(role):
        found |= {task["register"]} if "register" in task else set()
        found |= set(task.get("ansible.builtin.set_fact", {}))
        if "ansible.builtin.include_role" not in task:  # those are the other role's
            found |= set(task.get("vars", {}))
    return found


def used(role):
    """Every name of the role's own that its tasks read."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in files(role))
    text = re.sub(r"#.*", "", text)
    return {name for name in NAME.findall(text) if name.startswith(f"{role}_")}


def test_what_was_promised_is_there():
    assert {Path(name).stem for name in PLAYBOOKS} == PROMISED


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_is_declared_with_its_type(role):
    options = declared(role)
    assert all("type" in option and "description" in option for option in options.values())
    assert used(role) <= set(options) | given(role)
    assert all(name.startswith(f"{role}_") for name in set(options) | given(role))


@pytest.mark.parametrize("role", ROLES)
def test_a_declared_variable_is_required_or_has_a_default(role):
    required = {name for name, option in declared(role).items() if option.get("required")}
    assert set(defaults(role)) == set(declared(role)) - required
    for name, option in declared(role).items():
        if "default" in option:
            assert defaults(role)[name] == option["default"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_says_what_it_does(role):
    spec = read(ANSIBLE / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]
    assert spec["short_description"]
    assert all(task.get("name") for task in tasks(role))


@pytest.mark.parametrize("role", ROLES)
def test_whoever_is_told_passwords_logs_nothing(role):
    for task in tasks(role):
        command = str(task.get("ansible.builtin.command"))
        if "unvault" in command or "_variables.stdout" in command:
            assert task.get("no_log") is True, task["name"]


def test_no_template_of_ansibles_own_lies_about():
    assert list(ANSIBLE.rglob("*.j2")) == []


def test_no_role_is_left_that_nobody_plays():
    texts = [path.read_text(encoding="utf-8") for path in ANSIBLE.rglob("*.yml")]
    played = set(re.findall(r"(?:role|name): (\w+)", "\n".join(texts)))
    assert set(ROLES) <= played


def test_the_contents_name_every_playbook():
    text = (ANSIBLE / "site.yml").read_text(encoding="utf-8")
    assert set(PLAYBOOKS) <= set(re.findall(r"playbooks/\w+\.yml", text))


def test_the_example_is_a_safe_site_of_twelve_hosts():
    site = deployment.read(ANSIBLE / "inventories" / "example")
    assert rules.broken(site) == []
    assert len(site.hosts) == 12


@pytest.mark.slow
@pytest.mark.parametrize("playbook", [*PLAYBOOKS, "site.yml"])
def test_ansible_can_read_the_playbook(playbook, tmp_path):
    command = shutil.which("ansible-playbook", path=f"{ANSIBLES}:{os.environ['PATH']}")
    if command is None:
        pytest.skip("Ansible is not installed: `ansible/prepare --control`")
    done = subprocess.run(
        [command, "--syntax-check", "-i", "localhost,", playbook],
        cwd=ANSIBLE,
        env={**os.environ, "ANSIBLE_INVENTORY_ENABLED": "host_list", "ANSIBLE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
