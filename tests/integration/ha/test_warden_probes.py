"""A probe of a host that is gone, in a network of the test's own."""

from __future__ import annotations

import ctypes
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from ha.warden.probes import Heard
from tests.unit.ha.warden.links import desk, identities, line_to

# unshare(2). It concerns the calling thread alone, with every thread that this one starts.
CLONE_NEWNET = 0x40000000

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="networks are root's")


def the_network_is(state):
    subprocess.run(["ip", "link", "set", "lo", state], check=True)


def probed(folder):
    """Return what is heard of a warden, as the network goes down, comes up, and how it was."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    the_network_is("up")
    pair = identities(folder, "db1", "db2")
    context = pair[1].calling()
    heard = []
    with desk(pair[0], answers=99) as warden, line_to(warden.port, 9) as line:
        for state in ("up", "up", "down", "down", "up", "up"):
            the_network_is(state)
            heard.append(line.ask(context))
        return heard, warden.connections


def test_a_kept_line_to_a_host_that_is_gone_hears_nothing(tmp_path):
    with ThreadPoolExecutor(1) as thread:
        heard, connections = thread.submit(probed, tmp_path).result(timeout=30)
    gone = [Heard.NOTHING] * 2
    assert heard == [Heard.WARDEN] * 2 + gone + [Heard.WARDEN] * 2
    assert connections == 2, "a line that was silent is not asked again"
