import hashlib
import json
import random
import subprocess
import sys
import time

import pytest

from ha.lab import network, operators, processes, slowness
from ha.lab.commands import run, within
from ha.lab.errors import CommandFailed
from ha.lab.hosts import HostOff
from ha.lab.waiting import until
from tests.lab.doors import ajar

pytestmark = pytest.mark.lab

PORT = 7777
# Sends back every datagram it gets; ends when it is told to.
ECHO = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], int(sys.argv[2])))
while True:
    s.sendto(*s.recvfrom(100))
"""
# Sends numbered datagrams 1 ms apart, prints the numbers that came back in the order they did.
COUNT = """
import json, socket, sys, threading, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], int(sys.argv[2])))
s.settimeout(2)
def send():
    for number in range(int(sys.argv[3])):
        s.send(str(number).encode())
        time.sleep(0.001)
threading.Thread(target=send).start()
came = []
try:
    while True:
        came.append(int(s.recv(100)))
except OSError:
    print(json.dumps(came))
"""
# Receives until the other side has finished, prints the digest of it all.
RECEIVE = """
import hashlib, socket, sys
taken, peer = socket.create_server((sys.argv[1], int(sys.argv[2]))), hashlib.sha256()
connection, _ = taken.accept()
while piece := connection.recv(1 << 20):
    peer.update(piece)
print(peer.hexdigest())
"""
# Sends the bytes that a seed makes.
SEND = """
import random, socket, sys, time
deadline = time.monotonic() + 10
while True:
    try:
        connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
        break
    except ConnectionRefusedError:
        assert time.monotonic() < deadline
connection.sendall(random.Random(int(sys.argv[3])).randbytes(int(sys.argv[4])))
"""


@pytest.fixture
def host(lab):
    """The host that is slowed down; never left so."""
    yield lab.topology.with_role("app")[-1]
    lab.heal()


@pytest.fixture
def client(lab):
    return lab.topology.with_role("client")[0]


def python(lab, where, script, *arguments):
    argv = [sys.executable, "-c", script, *map(str, arguments)]
    return within(lab.layout.namespace(where.name), argv)


def connect_s(lab, client, host, *, tries=10):
    """
    How long it takes to open a connection, the quickest of three, once somebody listens.

    Every failure is tried again: a host that was cut off is still "unreachable" to a neighbour that
    asked for its address in vain a moment ago, which `--retry-connrefused` does not cover. The
    answer is printed, the time below it: to /dev/null curl cannot try again after a 503, for it
    empties the file first ("exit code 23").
    """
    url = f"https://{host.address}:{lab.topology.ports.api}/live"
    patient = ["--retry", str(tries - 1), "--retry-all-errors", "--retry-delay", "1"]
    told = ["--max-time", "2", "--write-out", r"\n%{time_connect}"]
    argv = [*operators.curl(lab.layout), *patient, *told, url]
    within_client = within(lab.layout.namespace(client.name), argv)
    return min(float(run(within_client, timeout_s=60).split()[-1]) for _ in range(3))


def came_back(lab, client, host, count):
    """The numbers of `count` datagrams that made it to the host and back."""
    echoing = python(lab, host, ECHO, host.address, PORT)
    with ajar(lab, host.name, PORT), subprocess.Popen(echoing) as echo:
        try:
            ports = ["ss", "-Hlun", f"sport = :{PORT}"]
            listening = within(lab.layout.namespace(host.name), ports)
            until(lambda: run(listening), what="the echo listens", within_s=5)
            counting = python(lab, client, COUNT, host.address, PORT, count)
            return json.loads(run(counting, timeout_s=30))
        finally:
            echo.kill()


def digest_of_transfer(lab, source, target, *, seed, size):
    receiving = python(lab, target, RECEIVE, target.address, PORT)
    with (
        ajar(lab, target.name, PORT),
        subprocess.Popen(receiving, stdout=subprocess.PIPE, text=True) as receiver,
    ):
        run(python(lab, source, SEND, target.address, PORT, seed, size), timeout_s=60)
        return receiver.communicate(timeout=30)[0].strip()


def test_a_slow_host_is_further_away_by_what_was_asked_for(lab, client, host):
    assert connect_s(lab, client, host) < 0.1
    lab.slow(host.name, latency_s=0.2, loss=0)
    assert 0.2 <= connect_s(lab, client, host) < 0.3
    lab.heal()
    assert connect_s(lab, client, host) < 0.1


def test_a_lossy_host_loses_about_what_was_asked_for_and_keeps_the_order(lab, client, host):
    lab.slow(host.name, latency_s=0.02, loss=0.1, seed=7)
    came = came_back(lab, client, host, 1000)
    assert came == sorted(came)
    assert 740 <= len(came) <= 880  # 0.9 there, 0.9 back: 810, give or take five deviations
    lab.heal()
    assert came_back(lab, client, host, 100) == list(range(100))


def test_what_passes_a_slow_line_arrives_intact(lab, client, host):
    size = 10_000_000
    lab.slow(host.name, latency_s=0.01, loss=0.002, seed=1)
    for seed, source, target in ((1, client, host), (2, host, client)):
        sent = hashlib.sha256(random.Random(seed).randbytes(size)).hexdigest()
        assert digest_of_transfer(lab, source, target, seed=seed, size=size) == sent


def test_a_slow_host_is_cut_off_like_any_other(lab, client, host):
    lab.cut(host.name)
    lab.slow(host.name, latency_s=0.01, loss=0)
    with pytest.raises(CommandFailed):
        connect_s(lab, client, host, tries=1)
    lab.heal()
    assert connect_s(lab, client, host) < 0.1


def test_a_slow_host_loses_its_power_like_any_other(lab, client, host):
    lab.slow(host.name, latency_s=0.05, loss=0)
    lab.power_off(host.name)
    assert not network.is_link_up(lab.layout, host.name)
    lab.power_on(host.name)  # with a new cable
    assert not network.is_spliced(lab.layout, host.name)
    assert processes.marked(f"{lab.layout.lab}/{host.name}/wire") == set()


def test_a_line_that_was_killed_is_mended(lab, client, host):
    lab.slow(host.name, latency_s=0.05, loss=0)
    processes.end(slowness._wires(lab.layout, host.name))
    lab.heal()
    assert connect_s(lab, client, host) < 0.1


def test_a_host_that_is_off_has_no_line_to_slow_down(lab):
    host = lab.topology.with_role("monitor")[0].name
    lab.power_off(host)
    try:
        with pytest.raises(HostOff):
            lab.slow(host)
    finally:
        lab.power_on(host)


def test_a_link_that_flaps_is_down_so_often_then_up(lab, client, host):
    began = time.monotonic()
    lab.flap(host.name, 3, down_s=0.05, up_s=0.05)
    assert time.monotonic() - began >= 0.3
    changes = network_changes(lab, host)
    assert changes >= 6
    assert connect_s(lab, client, host) < 0.1


def network_changes(lab, host):
    """How often the host itself saw its carrier come or go since it booted."""
    path = f"/sys/class/net/{lab.topology.interface}/carrier_changes"
    # sysfs shows the network of whoever mounted it; a fresh one shows the host's.
    command = f"mount -t sysfs none /sys && cat {path}"
    argv = ["unshare", "--mount", "sh", "-c", command]
    return int(run(within(lab.layout.namespace(host.name), argv)))
