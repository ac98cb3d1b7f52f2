"""Hosts prove themselves to each other; nobody else can; an authority is replaced step by step."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ha import certificates
from ha.certificates import OPERATOR, POSTGRESQL, CertificatesWrong
from ha.topology import load

TOPOLOGY = load()
HOSTS = [host.name for host in TOPOLOGY.hosts if "client" not in host.roles]
SERVER, CLIENT = ssl.Purpose.CLIENT_AUTH, ssl.Purpose.SERVER_AUTH


@pytest.fixture(scope="module")
def issued():
    return certificates.issue(TOPOLOGY)


@pytest.fixture
def identity(tmp_path):
    """Make a TLS context of one host: the other side must prove itself too."""

    def of(issued_, host, purpose):
        for name, text in certificates.of(issued_, host).items():
            (tmp_path / f"{host}-{name}").write_text(text)
        context = ssl.create_default_context(purpose, cafile=tmp_path / f"{host}-authority.crt")
        context.load_cert_chain(tmp_path / f"{host}-host.crt", tmp_path / f"{host}-host.crt.key")
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    return of


def meet(server, client, *, known_as):
    """Let client and server meet; return the common name the server saw."""
    ours, theirs = socket.socketpair()
    seen = []

    def serve():
        try:
            with server.wrap_socket(theirs, server_side=True) as wrapped:
                wrapped.recv(1)
                seen.append(dict(pair[0] for pair in wrapped.getpeercert()["subject"]))
        except (ssl.SSLError, OSError):
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        # The server may hang up before or after the first byte: what it saw tells.
        with (
            suppress(ssl.SSLEOFError, ConnectionError),
            client.wrap_socket(ours, server_hostname=known_as) as wrapped,
        ):
            wrapped.send(b"x")
    finally:
        ours.close()
        thread.join(timeout=5)
    return seen[0]["commonName"] if seen else None


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_is_known_by_its_name_and_its_address(issued, identity, host):
    server, client = identity(issued, host, SERVER), identity(issued, "db1", CLIENT)
    for known_as in (host, TOPOLOGY.host(host).address):
        assert meet(server, client, known_as=known_as) == "db1"


@pytest.mark.parametrize(
    ("host", "known_as"), [("db3", POSTGRESQL), ("lb2", TOPOLOGY.virtual_address)]
)
def test_those_that_stand_in_for_each_other_have_a_name_in_common(issued, identity, host, known_as):
    client = identity(issued, OPERATOR, CLIENT)
    assert meet(identity(issued, host, SERVER), client, known_as=known_as) == OPERATOR


@pytest.mark.parametrize(
    ("host", "known_as"),
    [("db2", "db1"), ("app1", POSTGRESQL), ("app1", TOPOLOGY.virtual_address)],
)
def test_a_host_that_answers_in_the_place_of_another_is_not_trusted(
    issued, identity, host, known_as
):
    client = identity(issued, "db1", CLIENT)
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(identity(issued, host, SERVER), client, known_as=known_as)


def test_operators_serve_nobody(issued, identity):
    client = identity(issued, "db1", CLIENT)
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(identity(issued, OPERATOR, SERVER), client, known_as=OPERATOR)


def test_another_data_centres_host_of_the_same_name_is_not_let_in(issued, identity):
    server = identity(issued, "backup1", SERVER)
    client = identity(certificates.issue(TOPOLOGY), "db1", CLIENT)
    client.load_verify_locations(cadata=issued.trusted)
    assert meet(server, client, known_as="backup1") is None


def test_each_step_of_a_new_authority_leaves_hosts_before_it_and_after_it_trusting(
    issued, identity
):
    announced = certificates.announce(issued, TOPOLOGY)
    succeeded = certificates.succeed(announced, TOPOLOGY)
    retired = certificates.retire(succeeded, TOPOLOGY)
    steps = (issued, announced, succeeded, retired)
    for before, after in itertools.pairwise(steps):
        for server, client in ((before, after), (after, before)):
            serving = identity(server, "db2", SERVER)
            assert meet(serving, identity(client, "db1", CLIENT), known_as="db2") == "db1"
    stranger = identity(retired, "db2", SERVER)
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(stranger, identity(issued, "db1", CLIENT), known_as="db2")


def test_no_step_of_a_new_authority_is_left_out(issued):
    announced = certificates.announce(issued, TOPOLOGY)
    with pytest.raises(CertificatesWrong, match="already"):
        certificates.announce(announced, TOPOLOGY)
    with pytest.raises(CertificatesWrong, match="announced"):
        certificates.succeed(issued, TOPOLOGY)
    turned = replace(announced, authorities=announced.authorities[::-1])
    with pytest.raises(CertificatesWrong, match="old authority"):
        certificates.retire(turned, TOPOLOGY)


def test_a_host_that_was_removed_has_no_certificate_any_more(issued):
    fewer = replace(TOPOLOGY, hosts=tuple(h for h in TOPOLOGY.hosts if h.name != "db1"))
    renewed = certificates.renew(issued, fewer)
    assert set(renewed.signed) == {OPERATOR, *HOSTS} - {"db1"}
    assert renewed.keys["db2"] != issued.keys["db2"]
    assert renewed.trusted == issued.trusted


def test_a_certificate_says_when_it_runs_out(issued):
    left = certificates.ends(issued.signed["db1"]) - datetime.now(UTC)
    assert timedelta(days=certificates.HOST_DAYS - 1) < left
    assert left <= timedelta(days=certificates.HOST_DAYS)
    assert certificates.ends(issued.trusted) > certificates.ends(issued.signed["db1"])


def test_hosts_get_what_they_need_and_operators_nothing_on_any_host(issued):
    own = {certificates.CERTIFICATE_FILE, certificates.KEY_FILE}
    wanted = {f"{host}/{name}" for host in HOSTS for name in own}
    wanted |= {f"{host.name}/{certificates.AUTHORITY_FILE}" for host in TOPOLOGY.hosts}
    assert set(certificates.files(issued, TOPOLOGY)) == wanted


def test_no_key_is_shown(issued):
    assert "PRIVATE" not in f"{issued!r} {issued} {issued.authorities[0]!r}"
