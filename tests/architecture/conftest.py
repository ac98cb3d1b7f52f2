"""The tree as the architecture tests see it: parsed modules, tracked files."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("service", "ha", "monitoring", "failover_tests")


@dataclass(frozen=True)
class Module:
    """One module of the product, `name` is its path from the root."""

    name: str

    @cached_property
    def source(self) -> str:
        return (ROOT / self.name).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        return [node for node in ast.walk(self.tree) if isinstance(node, kinds)]

    @cached_property
    def strings(self) -> list[str]:
        """Every string but docstrings."""
        nodes = list(ast.walk(self.tree))
        prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        return [
            node.value
            for node in nodes
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in prose
        ]

    def is_in(self, *folders: str) -> bool:
        return self.name.startswith(tuple(f"{folder}/" for folder in folders))


MODULES = [
    Module(path.relative_to(ROOT).as_posix())
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
]


def pytest_generate_tests(metafunc):
    if "module" in metafunc.fixturenames:
        metafunc.parametrize("module", MODULES, ids=lambda module: module.name)


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def modules():
    return MODULES


@pytest.fixture(scope="session")
def tracked_files():
    """Every file that is or may be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
