"""A measurement says under what it was made, also of a lab that answers nothing."""

from __future__ import annotations

from failover_tests import environment
from ha import topology
from ha.lab.errors import CommandFailed


class Lab:
    """A lab of which a test says what its primary answers."""

    def __init__(self, answer):
        self.topology = topology.load()
        self._answer = answer

    def query(self, _):
        if isinstance(self._answer, Exception):
            raise self._answer
        return [{"version": self._answer}]


def test_the_version_of_the_database_is_the_primary_s():
    assert environment.described(Lab("15.6"))["postgresql"] == "15.6"


def test_a_lab_without_a_primary_is_described_as_far_as_it_is_known():
    """Or one lab that is not whole would end the drills after it."""
    silent = Lab(CommandFailed("there is no primary to ask"))
    assert environment.described(silent)["postgresql"] == "unknown"
