"""A fence in a real kernel, in a network namespace of the test's own, and around a real replica."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ha.warden import fences
from ha.warden.fences import FenceIncomplete
from ha.warden.postgres import Watched
from tests.integration import reads

# unshare(2). It concerns the calling thread alone, with every process that this one starts.
CLONE_NEWNET = 0x40000000
ADDRESSES = {"db1": "10.99.0.11", "db2": "10.99.0.12"}
LOST = ADDRESSES["db1"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="routes are root's")


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def leave_for_a_network_of_its_own():
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    ip("link", "add", "here", "type", "veth", "peer", "name", "there")
    ip("address", "add", "10.99.0.10/24", "dev", "here")
    ip("link", "set", "here", "up")
    ip("link", "set", "there", "up")


@pytest.fixture
def inside():
    """Call something in a network of its own; the machine's routes are never touched."""
    with ThreadPoolExecutor(1, initializer=leave_for_a_network_of_its_own) as thread:
        yield lambda act, *args, **named: thread.submit(act, *args, **named).result(timeout=20)


@pytest.fixture
def nobody(tmp_path):
    """A server that does not run."""
    return Watched(socket_folder=str(tmp_path), port=1, hosts={})


def sends(address):
    """Tell if a packet leaves for a host."""
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(b"x", (address, 9))
        except OSError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
            return False
    return True


def test_nothing_is_sent_to_whom_is_fenced_off(inside, nobody):
    assert inside(fences.standing, ADDRESSES) == set()
    assert inside(sends, LOST)
    inside(fences.put_up, LOST, nobody, is_running=False)

    assert inside(fences.standing, ADDRESSES) == {"db1"}
    assert not inside(sends, LOST)
    assert inside(sends, ADDRESSES["db2"]), "nor is anybody else concerned"


def test_a_fence_taken_down_lets_packets_go_again(inside, nobody):
    inside(fences.put_up, LOST, nobody, is_running=False)
    inside(fences.take_down, LOST)

    assert inside(fences.standing, ADDRESSES) == set()
    assert inside(sends, LOST)


def test_a_fence_is_put_up_twice_and_stands_once(inside, nobody):
    for _ in range(2):
        inside(fences.put_up, LOST, nobody, is_running=False)
    inside(fences.take_down, LOST)
    assert inside(fences.standing, ADDRESSES) == set()


def test_a_fence_that_others_took_away_stands_no_longer(inside, nobody):
    inside(fences.put_up, LOST, nobody, is_running=False)
    inside(ip, "route", "flush", "type", "unreachable")
    assert inside(fences.standing, ADDRESSES) == set()


def test_taking_down_what_is_not_there_is_done_at_once(inside, nobody):
    """Otherwise a warden whose route somebody removed would try, and fail, for ever."""
    inside(fences.put_up, LOST, nobody, is_running=False)
    inside(ip, "route", "flush", "type", "unreachable")
    inside(fences.take_down, LOST)
    assert inside(sends, LOST)


def test_somebody_elses_route_is_no_fence_of_ours(inside):
    inside(ip, "route", "add", "unreachable", f"{LOST}/32")
    assert inside(fences.standing, ADDRESSES) == set()


def test_a_fence_goes_with_the_kernel_that_held_it(inside, nobody):
    inside(fences.put_up, LOST, nobody, is_running=False)
    with ThreadPoolExecutor(1, initializer=leave_for_a_network_of_its_own) as booted:
        assert booted.submit(fences.standing, ADDRESSES).result(timeout=20) == set()


def test_a_fence_without_ip_is_none(inside, nobody, monkeypatch):
    assert inside(fences.standing, ADDRESSES) == set()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FenceIncomplete, match="ip route"):
        inside(fences.put_up, LOST, nobody, is_running=False)


# --- around a replica ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replica(server):
    with reads.running(type(server), replica_of=server) as replica:
        yield Watched(socket_folder=str(replica.folder), port=replica.port, hosts={})


def receiver(replica):
    """The process that receives WAL, once there is one."""
    until_s = time.monotonic() + 20
    while not (found := replica.ask("SELECT pid FROM pg_stat_wal_receiver", within_s=5)):
        assert time.monotonic() < until_s, "it does not stream"
        time.sleep(0.05)
    return found[0][0]


def test_whoever_receives_wal_of_the_lost_host_is_ended(inside, replica):
    before = receiver(replica)
    # The route is not where this replica lives: its next receiver may be there already.
    with suppress(FenceIncomplete):
        inside(fences.put_up, "127.0.0.1", replica, is_running=True)
    assert not Path(f"/proc/{before}").exists()


def test_a_fence_is_incomplete_while_a_receiver_does_not_end(inside, replica):
    stuck = receiver(replica)
    os.kill(stuck, signal.SIGSTOP)
    try:
        with pytest.raises(FenceIncomplete, match="still receives"):
            inside(fences.put_up, "127.0.0.1", replica, is_running=True)
    finally:
        os.kill(stuck, signal.SIGCONT)


def test_wal_of_another_host_is_received_as_before(inside, replica):
    before = receiver(replica)
    inside(fences.put_up, LOST, replica, is_running=True)
    assert receiver(replica) == before


def test_a_fence_is_incomplete_while_postgresql_does_not_say_what_it_receives(inside, nobody):
    with pytest.raises(FenceIncomplete, match="does not say"):
        inside(fences.put_up, LOST, nobody, is_running=True)
    assert inside(fences.standing, ADDRESSES) == {"db1"}, "the route stands before it is asked"
