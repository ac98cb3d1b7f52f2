"""Doorway: the proxy on loopback by which a browser on this machine reaches a lab."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import jinja2

from ha.lab import processes
from ha.lab.commands import detach, run
from ha.lab.errors import LabFailed
from ha.lab.layout import Layout, doorway_address
from ha.lab.waiting import NotInTime, until
from ha.topology import Topology

HTTP_PORT = 8080
PROMETHEUS_PORT = 9090
START_S = 5.0


def open_up(layout: Layout, topology: Topology) -> None:
    """
    Start the doorway anew; its way into the lab is the client's network.

    :raises LabFailed: if it does not start, for example because its ports are taken
    """
    close(layout)
    layout.doorway.mkdir(parents=True, exist_ok=True)
    _configuration(layout).write_text(render(layout, topology), encoding="utf-8")
    log = layout.doorway / "haproxy.log"
    log.unlink(missing_ok=True)
    detach(
        ["haproxy", "-db", "-f", str(_configuration(layout))],
        environment={"HOME": str(layout.doorway)},
        log=log,
    )
    try:
        until(lambda: _listens(topology), what="the doorway listens", within_s=START_S)
    except NotInTime as error:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise LabFailed(str(error), log_line="".join(last), log=log) from error
    pids = " ".join(str(pid) for pid in _pids(layout))
    (layout.doorway / "pid").write_text(f"{pids}\n", encoding="ascii")


def close(layout: Layout) -> None:
    """End the doorway of this lab, if it runs, and no other HAProxy."""
    processes.end(_pids(layout))
    (layout.doorway / "pid").unlink(missing_ok=True)


def is_open(layout: Layout) -> bool:
    """Test if the doorway runs."""
    return bool(_pids(layout))


def render(layout: Layout, topology: Topology) -> str:
    """Return the configuration of the doorway."""
    template = (resources.files("ha.lab") / "doorway.cfg.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(  # noqa: S701 - a configuration file, not a page
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    return environment.from_string(template).render(
        lab=layout.lab,
        namespace=layout.namespace(topology.with_role("client")[0].name),
        listen=doorway_address(topology),
        http_port=HTTP_PORT,
        prometheus_port=PROMETHEUS_PORT,
        edge=topology.virtual_address,
        edge_port=topology.ports.edge_https,
        operators=layout.operators,
        monitors=topology.with_role("monitor"),
        prometheus=topology.ports.prometheus,
    )


def _configuration(layout: Layout) -> Path:
    return layout.doorway / "haproxy.cfg"


def _pids(layout: Layout) -> list[int]:
    """Return the processes that run on this lab's configuration, whatever a pid file says."""
    wanted = str(_configuration(layout)).encode()
    return [pid for pid in _haproxies() if wanted in _arguments(pid)]


def _haproxies() -> list[int]:
    return [int(pid) for pid in run(["pgrep", "-x", "haproxy"], check=False).split()]


def _arguments(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def _listens(topology: Topology) -> bool:
    argv = ["ss", "-Hltn", "src", f"{doorway_address(topology)}:{HTTP_PORT}"]
    return bool(run(argv).strip())
