"""What speaks against a switchover, and whom it would choose."""

from __future__ import annotations

import pytest

from ha.rest import RestSilent
from ha.switchover import (
    LAG_MAX_BYTES,
    CheckpointRefused,
    PlannedStopRefused,
    Standing,
    SwitchoverRefused,
    best,
    objections,
    switch_over,
)

CALM = {
    "longest_transaction_s": 0.1,
    "archiver_failed_on": None,
    "segments_not_archived": 0,
}


def status(*, leads=False, lsn=1000, **changes):
    store = {"voters": ["db2", "db3"], "is_paused": False}
    found = {"is_primary": leads, "is_replica": not leads, "why": "x", "lsn": lsn, "fenced": []}
    return found | {"store": store} | changes


def standing(preflight=(), **changes):
    hosts = {"db1": status(leads=True), "db2": status(), "db3": status(lsn=999)}
    kept = {name: found for name, found in (hosts | changes).items() if found}
    return Standing(statuses=kept, preflight=CALM | dict(preflight))


def test_a_calm_cluster_may_switch_over():
    assert list(objections(standing(), new="db2")) == []


def test_the_replica_that_is_furthest_is_chosen():
    assert best(standing()) == "db2"
    assert best(standing(db2=None, db3=None)) is None


PAUSED = {"voters": ["db2", "db3"], "is_paused": True}


@pytest.mark.parametrize(
    ("state", "new", "objection"),
    [
        (standing(db1=status()), "db2", "no host, or more than one"),
        (standing(db2=status(leads=True)), "db2", "no host, or more than one"),
        (standing(), None, "no replica to hand over to"),
        (standing(), "db1", "db1 leads already"),
        (standing(), "db9", "the warden of db9 does not answer"),
        (standing(db2=status(is_replica=False, why="it sleeps")), "db2", "no replica that can"),
        (standing(db2=status(lsn=1000 - LAG_MAX_BYTES - 1)), "db2", "bytes behind"),
        (standing(db1=status(leads=True, store=PAUSED)), "db2", "paused"),
        (
            standing(db1=status(leads=True, store=PAUSED | {"voters": ["db3"]})),
            "db2",
            "db2 takes no part in the quorum",
        ),
        (standing(db3=status(fenced=["db1"])), "db2", "db3 fenced another host off"),
        (standing({"longest_transaction_s": 5.1}), "db2", "open for 5.1 s"),
        (standing({"archiver_failed_on": "0000"}), "db2", "cannot archive 0000"),
        (standing({"segments_not_archived": 13}), "db2", "13 segments of WAL to archive"),
    ],
)
def test_a_switchover_is_refused_with_its_reason(state, new, objection):
    assert any(objection in reason for reason in objections(state, new=new))


class Service:
    """A warden, or a Patroni, that answers what it was told to; `asked` is what came."""

    def __init__(self, asked, status_, **answers):
        self.asked = asked
        self.status = status_
        self.answers = {"/preflight": (200, CALM)} | {
            f"/{path.replace('_', '-')}": answer for path, answer in answers.items()
        }

    def post(self, path, body=None, *, within_s):
        del body, within_s
        self.asked.append(path)
        answer = self.answers.get(path, (200, {}))
        if answer is None:
            raise RestSilent(f"db:8009{path}: timed out")
        return answer


class Site:
    """Three hosts, of which db1 leads; db2 would take over."""

    def __init__(self, **changes):
        self.asked = []
        self.wardens = {
            name: Service(self.asked, status, **changes.get(name, {}))
            for name, status in standing().statuses.items()
        }
        self.patronis = {"db1": Service(self.asked, None)}

    def statuses(self):
        return {name: warden.status for name, warden in self.wardens.items()}


REFUSING = (503, {"why": "PostgreSQL: no space left on device"})


@pytest.mark.parametrize("answer", [REFUSING, None, (404, "not a warden")])
@pytest.mark.parametrize(
    ("host", "path", "refusal"),
    [
        ("db1", "preflight", SwitchoverRefused),
        ("db1", "checkpoint", CheckpointRefused),
        ("db2", "checkpoint", CheckpointRefused),
        ("db1", "planned_stop", PlannedStopRefused),
    ],
)
def test_what_a_switchover_relies_on_must_be_done_first(host, path, refusal, answer):
    site = Site(**{host: {path: answer}})
    with pytest.raises(refusal, match=host) as refused:
        switch_over(site, to=None, say=lambda _: None)

    assert "/switchover" not in site.asked, "Patroni was given no order"
    assert type(refused.value) is refusal
    assert refused.value.code in refused.value.sentence
    assert refused.value.hint in refused.value.sentence


def test_why_a_warden_refused_is_told():
    site = Site(db2={"checkpoint": REFUSING})
    with pytest.raises(CheckpointRefused, match="no space left on device"):
        switch_over(site, to=None, say=lambda _: None)


def test_each_refusal_of_a_switchover_has_a_code_of_its_own():
    codes = {kind.code for kind in (SwitchoverRefused, CheckpointRefused, PlannedStopRefused)}
    assert codes == {"SWITCHOVER_UNSAFE", "CHECKPOINT_REFUSED", "PLANNED_STOP_REFUSED"}
