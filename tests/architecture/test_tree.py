"""What lies where: top-level folders, their READMEs, nothing that only one machine knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {"service", "ha", "monitoring", "failover_tests", "ansible", "tests", ".ci"}
# A folder of one script needs no page.
README_LINES_MAX = dict.fromkeys(FOLDERS - {".ci"}, 80)
# Homes, mounts, scratch folders of whoever wrote it.
MACHINE_PATH = re.compile(r"(?<![\w.}])/(?:home|Users|work|root)/\w")
URL = re.compile(r"https?://([\w.-]+\.[a-z]{2,})\b", re.IGNORECASE)
# The licence, the standards a client may look up, names that lead nowhere by RFC 2606.
HOSTS = re.compile(
    r"(?:.*\.)?(?:apache\.org|rfc-editor\.org|ietf\.org|json-schema\.org|openapis\.org|"
    r"example|example\.(?:org|com|net)|test|invalid)",
    re.IGNORECASE,
)


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_top_level_folders_are_those_of_the_architecture(tracked_files):
    assert {name.split("/")[0] for name in tracked_files if "/" in name} == FOLDERS


@pytest.mark.parametrize("folder", sorted(README_LINES_MAX))
def test_a_folder_explains_itself_on_a_page(folder):
    lines = text(f"{folder}/README.md").splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) <= README_LINES_MAX[folder]


def test_the_readme_begins_with_the_two_commands():
    top = "\n".join(text("README.md").splitlines()[:40])
    assert 0 < top.find("make up") < top.find("make test")


def test_nothing_names_a_path_of_somebodys_machine(tracked_files):
    found = {name: MACHINE_PATH.findall(text(name)) for name in tracked_files}
    assert {name: paths for name, paths in found.items() if paths} == {}


def test_nothing_names_a_host_of_the_internet(tracked_files):
    found = {
        name: [host for host in URL.findall(text(name)) if not HOSTS.fullmatch(host)]
        for name in tracked_files
    }
    assert {name: hosts for name, hosts in found.items() if hosts} == {}
