"""Ansible's modules of ours, loaded without Ansible: only their `main` needs a part of it."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[3] / "ansible" / "library"


def load(name):
    basic = types.ModuleType("ansible.module_utils.basic")
    basic.AnsibleModule = object
    with pytest.MonkeyPatch.context() as patch:
        for package in ("ansible", "ansible.module_utils"):
            patch.setitem(sys.modules, package, types.ModuleType(package))
        patch.setitem(sys.modules, "ansible.module_utils.basic", basic)
        spec = importlib.util.spec_from_file_location(name, LIBRARY / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def stale():
    return load("evergrid_stale")


@pytest.fixture
def edge():
    return load("evergrid_edge")
