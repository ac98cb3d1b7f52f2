import subprocess
import sys

import pytest

from ha.lab import processes
from ha.lab.waiting import until

# Forks a child every millisecond at most, each of which waits to be ended.
FORKING = """
import os, signal, time
for _ in range(400):
    if os.fork() == 0:
        signal.pause()
    time.sleep(0.0005)
signal.pause()
"""


@pytest.fixture
def forking():
    with subprocess.Popen([sys.executable, "-c", FORKING], start_new_session=True) as process:
        until(lambda: len(family_of(process)) > 5, what="it forks", within_s=5, step_s=0.001)
        yield process
        processes.end(member.pid for member in family_of(process))


def family_of(process):
    everybody = [processes.look_up(pid) for pid in processes._every_pid()]
    return processes.under(process.pid, [found for found in everybody if found])


def test_a_child_forked_while_its_family_is_stopped_is_stopped_too(forking):
    processes.hold(lambda: family_of(forking))
    assert {member.state for member in family_of(forking)} == {"T"}
