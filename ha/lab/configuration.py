"""Configuration: every file that the hosts of a lab are to have."""

from __future__ import annotations

from ha import certificates, installation, render
from ha.lab import openings, state
from ha.lab.layout import Layout
from ha.origin import Origin
from ha.topology import Topology


def texts(
    layout: Layout, topology: Topology, *, release: str, origin: Origin | None = None
) -> dict[str, str]:
    """
    Return `{"<host>/<file>": text}` with the lab's own passwords, certificates, openings.

    `release` is the installation the hosts run, `origin` the backup they are born from, if any.
    """
    found = render.render(topology, state.secrets(layout), release=release, origin=origin)
    return (
        found
        | installation.alert_rules(topology)
        | openings.texts(topology)
        | certificates.files(state.certificates(layout, topology), topology)
    )
