import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab


def evergrid_ha(lab, *arguments, typed=None):
    argv = [sys.executable, "-m", "ha", *arguments]
    argv[5:5] = ["--name", lab.layout.lab]
    return subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=30, input=typed
    )


def test_info_tells_programs_where_everything_is(lab):
    info = json.loads(evergrid_ha(lab, "lab", "info", "--json").stdout)
    assert {"name", "endpoint", "client_namespace", "hosts", "tokens", "prometheus"} <= set(info)
    assert info["endpoint"] == f"https://{lab.topology.virtual_address}"
    assert Path("/run/netns", info["client_namespace"]).exists()
    for host in info["hosts"]:
        assert set(host) == {"name", "address", "namespace", "roles"}


def test_a_command_run_on_a_host_passes_its_exit_code_through(lab):
    host = lab.topology.hosts[0].name
    ended = evergrid_ha(lab, "lab", "exec", host, "--", "sh", "-c", "hostname; exit 7")
    assert (ended.stdout, ended.returncode) == (f"{host}\n", 7)


def test_the_service_s_commands_are_run_as_the_owner_of_the_tables(lab):
    name = f"bank {secrets.token_hex(4)}"
    token = evergrid_ha(
        lab, "lab", "service", "--", "token", "issue", "--name", name, "--role", "channel"
    )
    assert (token.returncode, token.stderr) == (0, "")
    where = f"{lab.info()['endpoint']}/v1/payments/1"
    argv = ["curl", "-K", "/etc/evergrid/curlrc", "-sS", "-o", "/dev/null", "-w", "%{http_code}"]
    argv += ["-H", f"Authorization: Bearer {token.stdout.strip()}", where]
    assert lab.exec("client", argv, timeout_s=30) == "404", "known, and asked for what is not there"

    listed = evergrid_ha(lab, "lab", "service", "--", "token", "list", "--name", name)
    assert len(listed.stdout.splitlines()) == 1
    assert evergrid_ha(lab, "lab", "service", "--", "token", "nonsense").returncode == 2


def test_the_first_administrator_is_added_with_a_password_that_is_typed(lab):
    name = f"admin_{secrets.token_hex(4)}"
    argv = ["staff", "add", "--user-name", name, "--full-name", "王管理"]
    added = evergrid_ha(lab, "lab", "service", "--", *argv, typed="a long first password 9\n")
    assert added.returncode == 0, added.stderr
    assert f"{name} was added" in added.stdout


def test_status_says_that_all_is_well(lab):
    ended = evergrid_ha(lab, "lab", "status")
    assert "all is well" in ended.stdout
    assert ended.returncode == 0


def test_status_names_the_host_that_is_off(lab):
    host = lab.topology.with_role("app")[-1].name
    lab.power_off(host)
    try:
        ended = evergrid_ha(lab, "lab", "status")
    finally:
        lab.power_on(host)
    assert f"{host} is off" in ended.stdout
    assert ended.returncode == 1


def test_a_lab_that_does_not_exist_is_one_sentence_and_exit_code_1():
    argv = [sys.executable, "-m", "ha", "lab", "status", "--name", "nosuchlab"]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert "there is no lab called 'nosuchlab'" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.returncode == 1


def test_a_host_that_holds_no_database_is_not_asked_to_lead(lab):
    refused = evergrid_ha(lab, "switchover", "--to=lb1")
    assert refused.returncode == 1
    assert "'lb1' is no database host; there are db1, db2, db3" in refused.stderr


def test_a_lab_that_never_was_is_not_stopped():
    argv = [sys.executable, "-m", "ha", "lab", "down", "--name", "never"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30)
    assert told.stdout.strip().endswith("There is no lab called 'never': nothing to stop.")


def pasted(line):
    """Return what a shell prints that is given a line."""
    ended = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=True, timeout=60
    )
    return ended.stdout


def test_what_info_shows_to_paste_does_what_it_says(lab):
    shown = evergrid_ha(lab, "lab", "info").stdout
    look, pay, statement, cut = (line for line in shown.splitlines() if "curl -sS" in line)
    account_no = json.loads(pasted(look))["account_no"]
    assert "\n201 after " in pasted(pay)
    assert json.loads(pasted(statement))["account_no"] == account_no
    leader = lab.primary()
    try:
        assert "\n201 after " in pasted(cut)
        assert not lab.is_up(leader)
    finally:
        if not lab.is_up(leader):
            lab.power_on(leader)
