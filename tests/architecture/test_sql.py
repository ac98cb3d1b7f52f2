"""Where SQL is written: in files, by name, each of them run; durability is nobody's to lower."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SQL_FILES = sorted((ROOT / "service/store/sql").glob("*.sql"))
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|COPY|ALTER|CREATE|DROP)\s")
MAY_WRITE_SQL = {
    "service/store/migrate.py",  # keeps its ledger before there is a table
    "service/store/roles.py",  # makes the database, which no statement can be prepared in before
    "service/store/transaction.py",  # adds the bureau's fence to whatever is run
    "ha/lab/cluster.py",  # wraps what an operator asks, to have the answer as JSON
}
MAY_LOWER = {
    # The warden's sign that its own server takes writes; nothing rests on the row, nobody is told.
    "ha/sql/warden_canary_local.sql",
}
# A COMMIT that waits for less than a second host's disk is a payment that can be lost.
LOWERED = re.compile(
    r"synchronous_commit\W{1,12}(?:TO\W+)?(off|local|remote_write|false|no|0)\b", re.IGNORECASE
)


def queries_run(modules):
    """Every (noun, name) some module of the service takes from `queries.load(noun)[name]`."""
    for module in modules:
        nouns = dict(_loaded(module.tree))
        for node in ast.walk(module.tree):
            match node:
                case ast.Subscript(value=ast.Name(id=book), slice=ast.Constant(value=name)):
                    if book in nouns:
                        yield nouns[book], name


def _loaded(tree):
    """Every `book = queries.load("noun")` as (book, noun)."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Name(id=book)],
                value=ast.Call(func=ast.Attribute(attr="load"), args=[ast.Constant(value=noun)]),
            ):
                yield book, noun


def test_sql_is_not_written_in_python(module):
    if module.name not in MAY_WRITE_SQL:
        assert [text for text in module.strings if STATEMENT.match(text)] == []


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.name)
def test_every_query_says_its_purpose(path):
    text = path.read_text(encoding="utf-8")
    headers = re.findall(r"^-- name: \w+\n-- \S", text, re.MULTILINE)
    assert len(headers) == text.count("-- name:") > 0


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.name)
def test_every_query_lists_its_columns(path):
    assert not re.search(r"SELECT\s+(?:\w+\.)?\*", path.read_text(encoding="utf-8"))


def test_every_query_is_run(modules):
    written = {
        (path.stem, name)
        for path in SQL_FILES
        for name in re.findall(r"^-- name: (\w+)$", path.read_text("utf-8"), re.MULTILINE)
    }
    assert written == set(queries_run(modules))


def test_nothing_lowers_synchronous_commit(tracked_files):
    lowering = {
        name: LOWERED.findall((ROOT / name).read_text(encoding="utf-8"))
        for name in tracked_files
        if name.startswith(("service/", "ha/", "monitoring/", "failover_tests/", "ansible/"))
        and not name.endswith(".md")
    }
    assert {name for name, found in lowering.items() if found} == MAY_LOWER
