import json
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from ha.lab import rolling, state
from ha.lab.commands import within

pytestmark = pytest.mark.lab

# Pays and reads, some 60 requests a second over connections that stay open, never twice; until its
# standard input ends. Prints how many succeeded, and every answer that was none.
CLIENTS = """
import http.client, json, ssl, sys, threading, time, uuid
address, authority, token, account_no = sys.argv[1:]
trusting = ssl.create_default_context(cafile=authority)
done, good, bad = threading.Event(), [], []
head = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
def ask(connection, number):
    if number % 2:
        connection.request("GET", "/v1/accounts/" + account_no, headers=head)
    else:
        key = str(uuid.uuid4())
        body = {"account_no": account_no, "amount_fen": 1, "channel": "hall", "channel_serial": key}
        keyed = head | {"Idempotency-Key": key}
        connection.request("POST", "/v1/payments", json.dumps(body), keyed)
    answer = connection.getresponse()
    (good if answer.status < 300 else bad).append((answer.status, answer.read().decode()[:200]))
def run():
    connection, number = http.client.HTTPSConnection(address, timeout=60, context=trusting), 0
    while not done.is_set():
        number += 1
        try:
            ask(connection, number)
        except Exception as error:
            bad.append((0, repr(error)))
            connection.close()
        time.sleep(0.1)
threads = [threading.Thread(target=run) for _ in range(6)]
[thread.start() for thread in threads]
print("begun", flush=True)
sys.stdin.read()
done.set()
[thread.join() for thread in threads]
print(json.dumps([len(good), bad]))
"""


@contextmanager
def clients(lab):
    """Clients that go on meanwhile; yields a list that afterwards holds [succeeded, failures]."""
    info = lab.info()
    told = [
        lab.topology.virtual_address,
        info["authority"],
        info["tokens"]["hall_clerk"],
        state.load_known(lab.layout).account_no,
    ]
    argv = within(info["client_namespace"], [sys.executable, "-c", CLIENTS, *told])
    outcome = []
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "begun\n"
        try:
            yield outcome
        finally:
            outcome.extend(json.loads(process.communicate(timeout=90)[0]))


@pytest.fixture
def release(lab):
    return state.load_known(lab.layout).release


@pytest.fixture
def newer(release):
    """The same release under another name."""
    link = Path(f"{release}-newer")
    link.symlink_to(release)
    yield str(link)
    link.unlink()


@pytest.fixture
def broken(release):
    """A release whose API does not start."""
    folder = Path(f"{release}-broken/bin")
    folder.mkdir(parents=True)
    (folder / "evergrid-service").symlink_to(f"{release}/bin/evergrid-service")
    (folder / "python").symlink_to("/bin/false")
    yield str(folder.parent)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    folder.parent.rmdir()


def releases_run(lab):
    """The release that the API of each app host runs."""
    found = {}
    for host in lab.topology.with_role("app"):
        master = rolling.reloading.faults.find(lab._init(host.name), host.name, "api").pid
        command = Path(f"/proc/{master}/cmdline").read_bytes().split(b"\0")[0].decode()
        found[host.name] = command.removesuffix("/bin/python")
    return set(found.values())


def test_no_request_fails_while_the_app_hosts_change_their_release(lab, release, newer):
    with clients(lab) as outcome:
        lab.roll(newer)
        assert releases_run(lab) == {newer}
        assert state.load_known(lab.layout).release == newer
        lab.roll(release)
    assert releases_run(lab) == {release}
    succeeded, failures = outcome
    assert failures == []
    assert succeeded > 100


def test_a_release_that_does_not_start_is_taken_back(lab, release, broken):
    with clients(lab) as outcome, pytest.raises(rolling.RollRefused, match="ends as soon as"):
        lab.roll(broken)
    assert releases_run(lab) == {release}
    assert state.load_known(lab.layout).release == release
    assert outcome[1] == []


def test_the_last_app_host_is_not_taken_away(lab, newer):
    host = lab.topology.with_role("app")[-1].name
    lab.power_off(host)
    try:
        with pytest.raises(rolling.RollRefused, match="no other host would answer"):
            lab.roll(newer)
    finally:
        lab.power_on(host)
