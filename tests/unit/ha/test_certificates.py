"""The hosts that exchange backups prove themselves to each other; nobody else can."""

from __future__ import annotations

import shutil
import socket
import ssl
import threading
from contextlib import suppress

import pytest

from ha import certificates
from ha.topology import load

TOPOLOGY = load()

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


@pytest.fixture(scope="module")
def issued():
    return certificates.issue(TOPOLOGY)


@pytest.fixture
def identity(tmp_path):
    """Make a TLS context of one host, as pgBackRest does: the other side must prove itself too."""

    def of(issued_, host, purpose):
        for name, text in certificates.files(issued_).items():
            if name.startswith(f"{host}/"):
                (tmp_path / name.replace("/", "-")).write_text(text)
        context = ssl.create_default_context(purpose, cafile=tmp_path / f"{host}-authority.crt")
        context.load_cert_chain(tmp_path / f"{host}-host.crt", tmp_path / f"{host}-host.key")
        context.verify_mode = ssl.CERT_REQUIRED
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


def test_a_database_host_is_known_by_name_to_the_backup_host_it_finds_by_address(issued, identity):
    server = identity(issued, "backup1", ssl.Purpose.CLIENT_AUTH)
    client = identity(issued, "db1", ssl.Purpose.SERVER_AUTH)
    assert meet(server, client, known_as=TOPOLOGY.host("backup1").address) == "db1"


def test_a_host_that_answers_at_anothers_address_is_not_trusted(issued, identity):
    server = identity(issued, "db2", ssl.Purpose.CLIENT_AUTH)
    client = identity(issued, "db1", ssl.Purpose.SERVER_AUTH)
    with pytest.raises(ssl.SSLCertVerificationError):
        meet(server, client, known_as=TOPOLOGY.host("backup1").address)


def test_another_data_centres_host_of_the_same_name_is_not_let_in(issued, identity, tmp_path):
    server = identity(issued, "backup1", ssl.Purpose.CLIENT_AUTH)
    client = identity(certificates.issue(TOPOLOGY), "db1", ssl.Purpose.SERVER_AUTH)
    client.load_verify_locations(cadata=issued.authority)
    assert meet(server, client, known_as=TOPOLOGY.host("backup1").address) is None


def test_only_hosts_that_exchange_backups_get_a_certificate(issued):
    wanted = {host.name for role in certificates.ROLES for host in TOPOLOGY.with_role(role)}
    assert set(issued.signed) == set(issued.keys) == wanted
    assert set(certificates.files(issued)) == {
        f"{host}/{name}" for host in wanted for name in ("authority.crt", "host.crt", "host.key")
    }


def test_no_key_is_shown(issued):
    assert "PRIVATE" not in repr(issued) + str(issued)


def test_an_openssl_that_is_missing_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(certificates.CertificatesFailed, match="openssl"):
        certificates.issue(TOPOLOGY)
