"""An app host leaves an edge's rotation: nothing new, all answered, then gone."""

from __future__ import annotations

import pytest

# Servers that nobody checks cannot do as others do.
MAINT = ["api/app1-unchecked maint", "api_reads/app1-unchecked maint"]


class Haproxy:
    """What HAProxy would say: each look at a host that is drained, one request fewer is open."""

    def __init__(self, open_requests=0, **states):
        self.open_requests, self.open_reads, self.orders = open_requests, 0, []
        unchecked = dict.fromkeys(("app1-unchecked", "app2-unchecked"), "no check")
        self.states = {"app1": "UP", "app2": "UP", **unchecked} | states

    def ask(self, order):
        if order == "show stat":
            self.open_requests = max(0, self.open_requests - 1)
            self.open_reads = max(0, self.open_reads - 1)
            rows = [f"api,{name},{self.open_requests},0,{s}" for name, s in self.states.items()]
            rows += [f"api_reads,{name},{self.open_reads},0,{s}" for name, s in self.states.items()]
            rows += ["api,BACKEND,0,0,UP", "edge,FRONTEND,0,,OPEN"]
            return "\n".join(("# pxname,svname,scur,qcur,status", *rows))
        _, _, server, _, state = order.split()
        self.orders.append(f"{server} {state}")
        self.states[server.partition("/")[2]] = {"ready": "UP"}.get(state, state.upper())
        return "\n"


@pytest.fixture
def haproxy(edge, monkeypatch):
    found = Haproxy()
    monkeypatch.setattr(edge, "ask", found.ask)
    monkeypatch.setattr(edge, "STEP_S", 0.0)
    return found


def test_a_host_goes_after_it_has_answered_what_it_had(edge, haproxy):
    haproxy.open_requests = 3
    edge.take_out("app1", 1)
    assert haproxy.orders == [*MAINT, "api/app1 drain", "api/app1 maint"]


def test_a_host_has_answered_when_it_has_answered_reads_too(edge, haproxy):
    haproxy.open_reads = 1 << 40
    with pytest.raises(edge.Refused, match="app1 has answered every request: not within 0 s"):
        edge.take_out("app1", 0)


def test_a_request_that_is_never_answered_stops_the_change(edge, haproxy):
    haproxy.open_requests = 1 << 40
    with pytest.raises(edge.Refused, match="app1 has answered every request: not within 0 s"):
        edge.take_out("app1", 0)
    assert "api/app1 maint" not in haproxy.orders


def test_the_last_host_stays(edge, haproxy):
    haproxy.states["app2"] = "DOWN"
    with pytest.raises(edge.Refused, match="without app1 no app host would answer"):
        edge.take_out("app1", 1)
    assert haproxy.orders == []


def test_a_host_comes_back(edge, haproxy):
    haproxy.states["app1"] = "MAINT"
    edge.put_in("app1", 1)
    unchecked = [order.replace("maint", "ready") for order in MAINT]
    assert haproxy.orders == ["api/app1 ready", *unchecked]


def test_an_edge_does_not_know_every_host(edge, haproxy):
    with pytest.raises(edge.Refused, match="this edge knows no app9"):
        edge.counts("app9")
    assert haproxy.orders == []
