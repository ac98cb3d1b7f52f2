"""A machine that filters what crosses its bridges, as one with Docker does; in a network apart."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.lab

# Runs in a network that is thrown away. Two hosts on a switch, a filter that drops everything.
SCRIPT = """
import subprocess, sys, time
from pathlib import Path
from ha.lab import firewall
from ha.lab.commands import run
from ha.lab.layout import Layout

layout = Layout("walled")
run(["ip", "link", "add", layout.bridge, "type", "bridge"])
run(["ip", "link", "set", layout.bridge, "up"])
hosts = []
for number in (1, 2):
    host = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 60"], stdout=-1)
    host.stdout.readline()
    hosts.append(host)
    cable = ["type", "veth", "peer", "name", "eth0", "netns", str(host.pid)]
    run(["ip", "link", "add", f"p{number}", *cable])
    run(["ip", "link", "set", f"p{number}", "master", layout.bridge, "up"])
    enter = ["nsenter", f"--net=/proc/{host.pid}/ns/net"]
    run([*enter, "ip", "address", "add", f"10.0.0.{number}/24", "dev", "eth0"])
    run([*enter, "ip", "link", "set", "eth0", "up"])

def passes():
    listen = "import socket; s = socket.create_server(('10.0.0.2', 7)); "
    listen += "print(flush=True); s.accept()"
    ear = subprocess.Popen(
        ["nsenter", f"--net=/proc/{hosts[1].pid}/ns/net", sys.executable, "-c", listen], stdout=-1
    )
    ear.stdout.readline()
    call = "import socket; socket.create_connection(('10.0.0.2', 7), timeout=1)"
    argv = ["nsenter", f"--net=/proc/{hosts[0].pid}/ns/net", sys.executable, "-c", call]
    ended = subprocess.run(argv, stderr=subprocess.DEVNULL).returncode
    ear.kill()
    ear.wait()
    return ended == 0

Path("/proc/sys/net/bridge/bridge-nf-call-iptables").write_text("1")
try:
    firewall.let_pass(layout)  # there is no filter yet
    assert passes()
    chain = "chain FORWARD { type filter hook forward priority 0; policy drop; };"
    run(["nft", "-f", "-"], input="table ip filter { " + chain + " }")
    assert not passes(), "the filter is to drop everything"
    firewall.let_pass(layout)
    firewall.let_pass(layout)
    assert passes(), "the lab's own traffic is to pass"
    assert run(["nft", "list", "ruleset"]).count("accept") == 1
    firewall.forget(layout)
    assert "accept" not in run(["nft", "list", "ruleset"])
finally:
    for host in hosts:
        host.kill()
        host.wait()
"""


def test_a_machine_that_filters_its_bridges_lets_a_lab_pass():
    argv = ["unshare", "--net", sys.executable, "-c", SCRIPT]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
