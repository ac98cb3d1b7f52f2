"""Certifying: gives the hosts of a lab new certificates while everything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ha import certificates, installation, ownership, render
from ha.lab import doorway, files, hosts, operators, processes, reloading, state
from ha.lab.commands import run, within
from ha.lab.errors import LabFailed
from ha.lab.layout import Layout
from ha.lab.waiting import until
from ha.topology import Host, Topology

# A reloaded program presents what is new with its next connection; busy cores take their time.
PRESENTED_S = 60.0
_ASKED_S = 5.0
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """A port of a host at which a certificate is presented."""

    host: Host
    port: int
    is_postgresql: bool = False


def certify(layout: Layout, topology: Topology, step: str) -> int:
    """
    Take one step with the certificates of a lab; return at how many ports a new one was seen.

    Returns when every port of every host that is on presents what it should.
    :raises CertificatesWrong: if the step is not the next one
    :raises NotInTime: if a port goes on presenting the old one
    """
    with state.locked(layout):
        changed = certificates.STEPS[step](state.certificates(layout, topology), topology)
        state.save_certificates(layout, changed)
        operators.write(layout, changed)
        texts = certificates.files(changed, topology)
        for host in topology.hosts:
            _place(layout, topology, host, files.of_host(texts, host.name))
        if doorway.is_open(layout):
            doorway.open_up(layout, topology)
        links = [link for link in _links(topology) if processes.init_of(layout, link.host.name)]
        for link in links:
            _wait_until_presented(layout, link, changed.signed[link.host.name])
    return len(links)


def _place(layout: Layout, topology: Topology, host: Host, texts: dict[str, str]) -> None:
    """
    Replace the certificates of one host; tell its programs, if it is on.

    etcd sees for itself what it is to present, but not whom it is to believe.
    """
    believed = layout.host_folder(host.name) / "etc" / certificates.AUTHORITY_FILE
    is_authority_new = believed.read_text(encoding="ascii") != texts[certificates.AUTHORITY_FILE]
    for name, text in texts.items():
        files.put(layout.host_folder(host.name) / "etc" / name, text, ownership.of_file(name))
    if processes.init_of(layout, host.name) is None:
        return
    place = reloading.Place(layout, topology, host, hosts.init(layout, host))
    for program in installation.certified(host, topology):
        reloading.reload(place, program)
    if is_authority_new and "dcs" in host.roles:
        reloading.reload(place, "etcd")


def _links(topology: Topology) -> Iterator[Link]:
    for job in render.presented(topology):
        yield from (Link(host, job.port) for host in job.hosts)
    for host in topology.with_role("database"):
        yield Link(host, topology.ports.postgres, is_postgresql=True)


def _wait_until_presented(layout: Layout, link: Link, wanted: str) -> None:
    until(
        lambda: _presented(layout, link),
        is_enough=lambda found: found == wanted,
        what=f"{link.host.name}:{link.port} presents its new certificate",
        within_s=PRESENTED_S,
        step_s=0.2,
    )


def _presented(layout: Layout, link: Link) -> str | None:
    """Return the certificate that a port presents, as PEM; None if it answers nothing."""
    shown = layout.operators
    argv = ["openssl", "s_client", "-connect", f"{link.host.address}:{link.port}", "-showcerts"]
    argv += ["-CAfile", str(shown / certificates.AUTHORITY_FILE), "-verify_return_error"]
    argv += ["-cert", str(shown / certificates.CERTIFICATE_FILE)]
    argv += ["-key", str(shown / certificates.KEY_FILE)]
    argv += ["-starttls", "postgres"] if link.is_postgresql else []
    try:
        printed = run(
            within(layout.namespace(link.host.name), argv),
            input="",
            timeout_s=_ASKED_S,
            check=False,
        )
    except LabFailed:
        return None
    found = _PEM.search(printed)
    return found[0] if found else None
