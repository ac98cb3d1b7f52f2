from contextlib import contextmanager

import pytest

from ha.lab import balancer, operators, reloading
from ha.lab.commands import run, within

pytestmark = pytest.mark.lab


@contextmanager
def changed(lab, host, program, file, old, new):
    """Change a host's configuration file; as it was, and read again, on leaving."""
    path = lab.layout.host_folder(host) / "etc" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))  # keeps owner and mode
    try:
        yield
    finally:
        path.write_text(text)
        lab.reload(host, program)


def ask(lab, host, port, path):
    url = f"https://{lab.topology.host(host).address}:{port}{path}"
    argv = [*operators.curl(lab.layout), "-m", "5", "-w", "%{http_code}", url]
    return run(within(lab.layout.namespace(host), argv))


def first(lab, role):
    return lab.topology.with_role(role)[0].name


@pytest.mark.parametrize(("role", "port"), [("edge", "edge_stats"), ("app", "local_stats")])
def test_a_reloaded_haproxy_serves_by_its_new_configuration(lab, role, port):
    host, port = first(lab, role), getattr(lab.topology.ports, port)
    old = "http-request return status 404\n"
    new = f"http-request return status 410\n    # was {old}"
    with changed(lab, host, "haproxy", "haproxy.cfg", old, new):
        before = balancer.process(lab._init(host))
        lab.reload(host, "haproxy")
        assert ask(lab, host, port, "/nothing").endswith("410")
        assert balancer.process(lab._init(host)) != before
    assert ask(lab, host, port, "/nothing").endswith("404")


def test_a_haproxy_told_nonsense_is_not_reloaded(lab):
    host = first(lab, "edge")
    before = balancer.process(lab._init(host))
    with changed(lab, host, "haproxy", "haproxy.cfg", "timeout queue", "timeout cue"):
        with pytest.raises(reloading.ConfigurationWrong, match="timeout"):
            lab.reload(host, "haproxy")
        assert balancer.process(lab._init(host)) == before


def test_a_reloaded_api_runs_as_many_processes_as_it_is_told_now(lab):
    host = first(lab, "app")
    place = place_of(lab, host)
    with changed(lab, host, "api", "gunicorn.conf.py", "workers = 2", "workers = 3"):
        before = listeners(lab, place)
        lab.reload(host, "api")
        assert len(listeners(lab, place)) == 3
        assert not listeners(lab, place) & before
    assert len(listeners(lab, place)) == 2


def test_an_api_told_nonsense_goes_on_as_it_was(lab):
    host = first(lab, "app")
    before = listeners(lab, place_of(lab, host))
    with changed(lab, host, "api", "gunicorn.conf.py", "workers = 2", "workers = two"):
        with pytest.raises(reloading.ConfigurationWrong, match="two"):
            lab.reload(host, "api")
        assert listeners(lab, place_of(lab, host)) == before


def place_of(lab, host):
    return reloading.Place(lab.layout, lab.topology, lab.topology.host(host), lab._init(host))


def listeners(lab, place):
    """The processes of the API that take new connections."""
    master = reloading.faults.find(place.init, place.host.name, "api").pid
    waiting = reloading._listening(master)
    children = reloading._children(place, master)
    return {pid for pid in children if waiting & reloading._sockets(pid)}


def test_a_reloaded_worker_is_another_process(lab):
    host = first(lab, "app")
    before = [p.own_pid for p in lab.programs(host) if p.name == "worker"]
    lab.reload(host, "worker")
    assert [p.own_pid for p in lab.programs(host) if p.name == "worker"] != before
    assert "200" in ask(lab, host, lab.topology.ports.worker_metrics, "/metrics")[-3:]


def test_a_reloaded_patroni_tells_postgresql_its_new_settings(lab):
    host = lab.topology.with_role("database")[-1].name
    asked = "SELECT pg_conf_load_time() AS loaded"
    before = lab.query(asked, host)
    lab.reload(host, "patroni")
    assert lab.query(asked, host) != before


def test_a_patroni_told_nonsense_is_reported(lab):
    host = lab.topology.with_role("database")[-1].name
    with (
        changed(lab, host, "patroni", "patroni.yml", "scope:", "scope: ["),
        pytest.raises(reloading.ConfigurationWrong, match="patroni"),
    ):
        lab.reload(host, "patroni")


def test_a_reloaded_prometheus_has_read_its_file(lab):
    host, port = first(lab, "monitor"), lab.topology.ports.prometheus
    with changed(lab, host, "prometheus", "prometheus.yml", "job_name: edge", "job_name: edges"):
        lab.reload(host, "prometheus")
        assert "job_name: edges" in ask(lab, host, port, "/api/v1/status/config")


def test_a_prometheus_told_nonsense_is_reported(lab):
    host = first(lab, "monitor")
    with (
        changed(lab, host, "prometheus", "prometheus.yml", "job_name: edge", "job_nam: edge"),
        pytest.raises(reloading.ConfigurationWrong, match="prometheus"),
    ):
        lab.reload(host, "prometheus")


def test_a_program_without_a_reload_is_refused(lab):
    with pytest.raises(reloading.NotReloadable, match="keepalived has no reload; api, backups"):
        lab.reload(first(lab, "edge"), "keepalived")


def test_a_restarted_program_is_another_process(lab):
    host = first(lab, "monitor")
    before = lab.programs(host)
    lab.restart(host, "prometheus")
    assert lab.programs(host) != before
