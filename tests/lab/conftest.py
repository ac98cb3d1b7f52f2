import os

import pytest

from ha import lab as labs
from ha.lab import health
from ha.lab.waiting import until

# A host of the databases that was away streams again within seconds; a busy machine takes longer.
WHOLE_S = 60


@pytest.fixture(scope="session", autouse=True)
def readable_files():
    """Write what hosts' users must read as `evergrid-ha` does, whatever the caller's umask is."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def running():
    found = labs.open(os.environ.get("EVERGRID_LAB", "test"))
    _wait_until_whole(found)
    return found


@pytest.fixture(scope="session")
def settle(running):
    """Wait until the lab is whole again."""
    return lambda: _wait_until_whole(running)


@pytest.fixture
def lab(running, settle):
    """A lab that is whole, and is left whole."""
    yield running
    settle()


def _wait_until_whole(lab):
    until(
        lambda: health.complaints(lab),
        is_enough=lambda complaints: not complaints,
        what="all is well with the lab",
        within_s=WHOLE_S,
        step_s=0.3,
    )
