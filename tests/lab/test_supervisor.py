"""What a host's supervisor promises: a quick successor, and a socket that outlives its program."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from ha.lab.commands import within

pytestmark = pytest.mark.lab

KILLS = 8
# Connects again and again for so many seconds, asks, prints how often it got which answer.
ASK = """
import collections, http.client, json, sys, time
from pathlib import Path
from ha.identity import Identity
shown = Identity(Path(sys.argv[4])).calling()
counted, until = collections.Counter(), time.monotonic() + float(sys.argv[3])
while time.monotonic() < until:
    connection = http.client.HTTPSConnection(
        sys.argv[1], int(sys.argv[2]), timeout=5, context=shown
    )
    try:
        connection.request("GET", "/live")
        counted[str(connection.getresponse().status)] += 1
    except (OSError, http.client.HTTPException) as error:
        counted[type(error).__name__] += 1
    finally:
        connection.close()
    time.sleep(0.002)
print(json.dumps(counted))
"""


def test_whoever_connects_while_a_warden_is_started_anew_waits(lab):
    """Only what the killed one had accepted is reset; nobody is refused."""
    host = lab.topology.with_role("database")[0]
    arguments = [host.address, str(lab.topology.ports.warden), "6", str(lab.layout.operators)]
    asking = within(lab.layout.namespace("client"), [sys.executable, "-c", ASK, *arguments])
    with subprocess.Popen(asking, stdout=subprocess.PIPE, text=True) as asker:
        pids = set()
        for _ in range(KILLS):
            pids.add(lab.kill(host.name, "warden", signal.SIGKILL))
            try:
                asker.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue
        counted = json.loads(asker.communicate(timeout=30)[0])
    assert len(pids) >= 3, "a successor was there in time, again and again"
    assert counted.pop("200") > 50
    assert set(counted) <= {
        *("ConnectionResetError", "RemoteDisconnected", "SSLEOFError", "SSLZeroReturnError"),
    }
    assert sum(counted.values()) <= KILLS
