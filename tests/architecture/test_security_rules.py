"""What bandit looks for, ruff reports: everywhere, with few exceptions, each with its reason."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUFF = Path(sys.executable).with_name("ruff")
SECURITY = re.compile(r"S\d+")
LINT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
# Running programs of fixed arguments; made-up load. Nothing else is let pass in a whole folder.
LET_PASS = {
    "ha/**": {"S603", "S607"},
    "monitoring/**": {"S603", "S607"},
    "failover_tests/**": {"S311", "S603", "S607"},
}
# bandit's number, ruff's own where it is another, a line that each is about.
PLANTED = [
    ("B102", "S102", "exec(given)"),
    ("B103", "S103", "os.chmod('file', 0o777)"),
    ("B104", "S104", "address = '0.0.0.0'"),
    ("B105", "S105", "password = 'guessed'"),
    ("B107", "S107", "def sign_in(password='guessed'): pass"),
    ("B108", "S108", "open('/tmp/file')"),
    ("B110", "S110", "try: pass\nexcept Exception: pass"),
    ("B112", "S112", "for n in given:\n    try: n()\n    except Exception: continue"),
    ("B113", "S113", "requests.get('https://host')"),
    ("B202", "S202", "tarfile.open('file').extractall()"),
    ("B301", "S301", "pickle.loads(given)"),
    ("B306", "S306", "tempfile.mktemp()"),
    ("B307", "S307", "eval(given)"),
    ("B310", "S310", "urllib.request.urlopen(given)"),
    ("B311", "S311", "random.random()"),
    ("B314", "S314", "xml.etree.ElementTree.fromstring(given)"),
    ("B323", "S323", "ssl._create_unverified_context()"),
    ("B324", "S324", "hashlib.md5(given)"),
    ("B501", "S501", "requests.get('https://host', verify=False, timeout=1)"),
    ("B502", "S502", "ssl.wrap_socket(ssl_version=ssl.PROTOCOL_SSLv3)"),
    ("B506", "S506", "yaml.load(given)"),
    ("B602", "S602", "subprocess.run('ls ' + given, shell=True)"),
    ("B603", "S603", "subprocess.run(given)"),
    ("B605", "S605", "os.system('ls ' + given)"),
    ("B606", "S606", "os.execv('/bin/ls', given)"),
    ("B607", "S607", "subprocess.run(['ls'])"),
    ("B608", "S608", "query = 'SELECT a FROM b WHERE c = ' + given"),
    ("B613", "PLE2502", "text = 'a\u202eb'"),
    ("B701", "S701", "jinja2.Environment(autoescape=False)"),
]  # fmt: skip
IMPORTS = (
    "import hashlib, jinja2, os, pickle, random, requests, ssl, subprocess, tarfile, tempfile\n"
    "import urllib.request, xml.etree.ElementTree, yaml\n"
)


@pytest.fixture(scope="module")
def reported():
    """What ruff says, by the line."""
    source, numbers = IMPORTS, {}
    for _, rule, text in PLANTED:
        first = source.count("\n") + 1
        source += f"{text}\n"
        numbers[rule] = range(first, source.count("\n") + 1)
    argv = [
        str(RUFF), "check", "--no-cache", "--output-format=concise",
        "--config", str(ROOT / "pyproject.toml"), "--stdin-filename", "service/planted.py", "-",
    ]  # fmt: skip
    done = subprocess.run(argv, input=source, capture_output=True, text=True, check=False)
    found = re.findall(r"^\S+?:(\d+):\d+: (\w+)", done.stdout, re.MULTILINE)
    return {rule: any((str(n), rule) in found for n in numbers[rule]) for rule in numbers}


@pytest.mark.parametrize(("bandit", "rule", "text"), PLANTED)
def test_what_bandit_would_report_is_reported(reported, bandit, rule, text):
    assert reported[rule], f"{bandit}: {text}"


def test_no_rule_about_security_is_left_out():
    assert LINT["select"] == ["ALL"]
    assert {rule for rule in LINT["ignore"] if SECURITY.fullmatch(rule)} == {"S101"}


def test_what_is_let_pass_in_a_folder_is_known():
    let_pass = {
        folder: {rule for rule in rules if SECURITY.fullmatch(rule)}
        for folder, rules in LINT["per-file-ignores"].items()
        if not folder.startswith("tests/")
    }
    assert {folder: rules for folder, rules in let_pass.items() if rules} == LET_PASS
