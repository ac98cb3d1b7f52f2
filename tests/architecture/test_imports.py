"""The direction of imports: kept as the tree is, reported when planted against."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("service", "ha", "monitoring", "failover_tests")
LINT = Path(sys.executable).parent / "lint-imports"
PLANTED = {
    "the domain calls the API": ("service/domain", "from service.api import app"),
    "the domain reads the clock": ("service/domain", "import time"),
    "the store calls a use case": ("service/store", "from service.usecases import payments"),
    "a document asks the store": ("service/documents", "from service.store import bills"),
    "a use case reads the settings": ("service/usecases", "import service.settings"),
    "the API talks to the database": ("service/api", "import psycopg2"),
    "a module of the service has no layer": ("service", "import json"),
    "the service calls operations": ("service/usecases", "import ha.topology"),
    "operations call the service": ("ha", "import service"),
    "monitoring calls the service": ("monitoring", "import service.domain.payments"),
    "a drill calls the service": ("failover_tests", "from service.store import database"),
    "the cluster calls monitoring": ("ha", "import monitoring.catalogue"),
    "monitoring calls a drill": ("monitoring", "import failover_tests"),
    "two modules call each other": ("monitoring", "import monitoring.__main__"),
}


def lint(folder):
    return subprocess.run(
        [LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The product's sources without anything else."""
    folder = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


def test_the_tree_keeps_every_import_contract(copy):
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_import_is_reported(what, copy):
    folder, line = PLANTED[what]
    planted = copy / folder / "planted.py"
    planted.write_text(f'"""Planted."""\n\n{line}\n')
    if what == "two modules call each other":
        caller = copy / folder / "__main__.py"
        caller.write_text(caller.read_text() + f"\nimport {folder}.planted\n")
    done = lint(copy)
    planted.unlink()
    shutil.copy(ROOT / "monitoring/__main__.py", copy / "monitoring/__main__.py")
    assert done.returncode == 1, done.stdout
    assert "planted" in done.stdout
