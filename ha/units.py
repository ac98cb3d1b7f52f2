"""Units: what systemd is told about the programs of a host."""

from __future__ import annotations

import jinja2

from ha import programs
from ha.programs import Program
from ha.topology import Host, Topology

TARGET = "evergrid.target"
# Loads /etc/evergrid/nftables.conf; the distribution's own unit would flush every table.
FIREWALL = "evergrid-firewall.service"


def name(program: str) -> str:
    """Return what systemd calls a program."""
    return f"evergrid-{program}.service"


def texts(
    host: Host, topology: Topology, *, release: str, templates: jinja2.Environment, sockets_max: int
) -> dict[str, str]:
    """Return the units of `host` as `{"evergrid-<program>.service": text}`."""
    found = programs.of(host, topology=topology, release=release)
    service, socket = (templates.get_template(f"unit.{kind}.j2") for kind in ("service", "socket"))
    units = {
        each: templates.get_template(f"{each}.j2").render(host=host) for each in (FIREWALL, TARGET)
    }
    for program in found:
        units[name(program.name)] = service.render(
            host=host,
            program=program,
            before=_before(program, found),
            capabilities=" ".join(f"CAP_{right.upper()}" for right in program.capabilities),
            needs_realtime=bool(program.realtime) or "sys_nice" in program.capabilities,
            sockets_max=sockets_max,
        )
        if program.socket:
            units[f"evergrid-{program.name}.socket"] = socket.render(host=host, program=program)
    return units


def _before(program: Program, found: tuple[Program, ...]) -> list[str]:
    """Return the units that start before that of `program`: of a lesser priority, or its socket."""
    sooner = [name(other.name) for other in found if other.priority < program.priority]
    return [*sooner, *([f"evergrid-{program.name}.socket"] if program.socket else [])]
