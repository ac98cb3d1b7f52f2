"""What Patroni is told of its shared settings: what differs, nothing else."""

from __future__ import annotations

import pytest

from ha import dynamic
from ha.dynamic import SettingsRefused
from ha.rest import RestSilent
from tests.unit.ha.regenerate import rendered


class Patroni:
    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def call(self, method, path, body=None, *, within_s):
        assert within_s > 0
        self.asked.append((method, path, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Site:
    def __init__(self, **patronis):
        self.patronis = patronis


def patch(wanted, found):
    return dynamic.difference(wanted, found)


def test_a_site_has_what_it_was_born_with():
    wanted = dynamic.wanted(rendered()["db1/patroni.yml"])
    assert wanted["synchronous_mode"] == "quorum"
    assert patch(wanted, wanted) == {}


@pytest.mark.parametrize(
    ("wanted", "found", "told"),
    [
        ({"ttl": 20}, {"ttl": 30}, {"ttl": 20}),
        ({"ttl": 20}, {}, {"ttl": 20}),
        ({}, {"ttl": 30}, {"ttl": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3, "d": 4}}, {"a": {"c": 2, "d": None}}),
        ({"a": {"b": 1}}, {"a": 1}, {"a": {"b": 1}}),
        ({"jit": "off"}, {"jit": False}, {"jit": "off"}),
    ],
)
def test_only_what_differs_is_told(wanted, found, told):
    assert patch(wanted, found) == told


def test_a_pause_is_its_operators_to_end():
    found = {"ttl": 30, "pause": True}
    assert patch({"ttl": 30}, found) == {}
    assert dynamic.merged({"ttl": 20}, found) == {"ttl": 20, "pause": True}


def test_each_change_is_a_sentence():
    changes = {"ttl": 20, "postgresql": {"parameters": {"jit": "off", "x": None}}}
    assert dynamic.sentences(changes) == [
        "ttl = 20",
        "postgresql.parameters.jit = off",
        "postgresql.parameters.x goes",
    ]


def test_the_next_patroni_is_asked_when_one_is_silent():
    silent, well = Patroni(RestSilent("db1: gone")), Patroni((200, {"ttl": 20}))
    assert dynamic.read(Site(db1=silent, db2=well)) == {"ttl": 20}


def test_settings_that_nobody_takes_are_refused():
    one, other = Patroni((401, "no")), Patroni(RestSilent("db2: gone"))
    with pytest.raises(SettingsRefused, match=r"db1: 401 no; db2: gone"):
        dynamic.tell(Site(db1=one, db2=other), {"ttl": 20})
    assert one.asked == [("PATCH", "/config", {"ttl": 20})]
