"""Each refusal says what is wrong by a code of its own, says what to do, is raised by a test."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Refused:
    name: str
    bases: frozenset[str]
    texts: dict[str, str]


def _classes():
    for path in sorted((ROOT / "service").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = frozenset(b.id for b in node.bases if isinstance(b, ast.Name))
                yield Refused(node.name, bases, dict(_texts(node)))


def _texts(node):
    """Every class attribute that is text; what an f-string puts in stands as an ellipsis."""
    for statement in node.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ) if value is not None:
                yield name, _text(value)


def _text(value):
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(_text, parts))
        case _:
            return "…"


def _refusals():
    """Every class below Refusal that is no kind: a kind has no code, but others below it."""
    classes, known, before = list(_classes()), {"Refusal"}, set()
    while known != before:
        before = set(known)
        known |= {found.name for found in classes if found.bases & known}
    bases = {base for found in classes for base in found.bases}
    kinds = {found.name for found in classes if "code" not in found.texts and found.name in bases}
    return [found for found in classes if found.name in known - kinds]


REFUSALS = _refusals()
TESTS = "\n".join(
    path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "tests").rglob("*.py"))
    if "architecture" not in path.parts
)


def test_there_are_refusals_to_look_at():
    assert REFUSALS


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_refusal_has_a_stable_code(refusal):
    assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", refusal.texts.get("code", ""))


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_refusal_says_what_to_do(refusal):
    assert re.fullmatch(r"[A-Za-z].{8,}\.", refusal.texts.get("hint", ""))


def test_no_two_refusals_share_a_code():
    codes = Counter(refusal.texts.get("code") for refusal in REFUSALS)
    assert [code for code, uses in codes.items() if uses > 1] == []


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_refusal_is_raised_by_a_test(refusal):
    code = refusal.texts.get("code", refusal.name)
    is_raised = re.search(rf"\b({refusal.name}|{code})\b", TESTS) is not None
    assert is_raised, f"no test speaks of {refusal.name} or its code"
