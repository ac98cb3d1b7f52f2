"""The shape of the code, so that reviewers can talk about its meaning."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import PurePosixPath

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
FUNCTION_LINES_MEDIAN = 10
# Words that say nothing about what is inside; the plurals too.
NAMES_BANNED = {"util", "helper", "common", "manager", "misc", "shared", "base", "core"}
# The service's edge: what is told the time or the environment there is handed down.
EDGE = {f"service/{name}.py" for name in ("wsgi", "worker", "__main__", "gunicorn_hooks")}
CLOCKS = {
    *(("datetime", name) for name in ("now", "utcnow", "today")),
    *(("time", name) for name in ("time", "time_ns", "localtime", "gmtime")),
    ("date", "today"),
}
ENVIRONMENT = {("os", "environ"), ("os", "getenv"), ("os", "environb")}


def attributes(module):
    """Every `a.b` as (a, b), and every `from a import b` as the same."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            value = node.value
            yield (value.attr if isinstance(value, ast.Attribute) else value.id, node.attr)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


def test_a_module_says_its_one_responsibility(module):
    docstring = ast.get_docstring(module.tree)
    assert docstring, "say in one line what this module is responsible for"
    assert not re.search(r"\band\b", docstring.splitlines()[0]), "that is two responsibilities"


def test_a_module_fits_in_the_head(module):
    assert module.source.count("\n") <= MODULE_LINES_MAX


def test_a_function_fits_on_a_screen(module):
    lines = {node.name: node.end_lineno - node.lineno + 1 for node in module.functions}
    assert {name: n for name, n in lines.items() if n > FUNCTION_LINES_MAX} == {}


def test_most_functions_are_short(modules):
    lines = [f.end_lineno - f.lineno + 1 for module in modules for f in module.functions]
    assert statistics.median(lines) <= FUNCTION_LINES_MEDIAN


def test_a_module_is_named_after_what_it_holds(module):
    words = {word.removesuffix("s") for word in PurePosixPath(module.name).with_suffix("").parts}
    assert not words & NAMES_BANNED


def test_a_module_postpones_its_annotations(module):
    if module.functions:
        assert "from __future__ import annotations\n" in module.source


def test_only_the_edge_of_the_service_reads_the_clock(module):
    if module.is_in("service") and module.name not in EDGE:
        assert CLOCKS.isdisjoint(attributes(module))


def test_only_the_edge_of_the_service_reads_the_environment(module):
    if module.is_in("service") and module.name not in EDGE:
        assert ENVIRONMENT.isdisjoint(attributes(module))


def test_the_domain_knows_no_float(module):
    if not module.is_in("service/domain"):
        return
    for node in ast.walk(module.tree):
        where = f"line {getattr(node, 'lineno', 0)}"
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), where
        assert not (isinstance(node, ast.Name) and node.id == "float"), where
        assert not isinstance(node, ast.Div), "two integers divided by `/` are a float"


def test_the_service_swallows_no_unexpected_exception_but_where_it_answers_500(module):
    if not module.is_in("service") or module.name == "service/api/errors.py":
        return
    for node in ast.walk(module.tree):
        match node:
            case ast.ExceptHandler(
                type=None | ast.Name(id="Exception" | "BaseException"), body=[*_, last]
            ):
                assert isinstance(last, ast.Raise), f"line {node.lineno} goes on"
