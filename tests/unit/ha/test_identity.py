"""A program shows the certificate that lies there now, however long it has been running."""

from __future__ import annotations

import ssl

import pytest

from ha import certificates
from ha.identity import Identity
from ha.topology import load

TOPOLOGY = load()


@pytest.fixture(scope="module")
def issued():
    return certificates.issue(TOPOLOGY)


@pytest.fixture
def placed(tmp_path):
    """Write the files of one host as they are replaced: each as a whole."""

    def place(found, host="db1", only=None):
        for name, text in certificates.of(found, host).items():
            if only in (None, name):
                new = tmp_path / f"{name}.new"
                new.write_text(text, encoding="ascii")
                new.replace(tmp_path / name)

    return place


def test_a_context_is_made_once_for_each_side(tmp_path, placed, issued):
    placed(issued)
    identity = Identity(tmp_path)
    assert identity.calling() is identity.calling()
    assert identity.serving() is identity.serving()
    assert identity.calling() is not identity.serving()


def test_both_sides_want_to_know_the_other(tmp_path, placed, issued):
    placed(issued)
    identity = Identity(tmp_path)
    for context in (identity.calling(), identity.serving()):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert identity.calling().check_hostname


def test_a_replaced_certificate_is_shown_from_then_on(tmp_path, placed, issued):
    placed(issued)
    identity = Identity(tmp_path)
    before = identity.calling()
    placed(certificates.renew(issued, TOPOLOGY))
    assert identity.calling() is not before


def test_while_the_key_does_not_fit_yet_the_old_pair_is_shown(tmp_path, placed, issued):
    placed(issued)
    identity = Identity(tmp_path)
    before, renewed = identity.calling(), certificates.renew(issued, TOPOLOGY)
    placed(renewed, only=certificates.CERTIFICATE_FILE)
    assert identity.calling() is before
    placed(renewed, only=certificates.KEY_FILE)
    assert identity.calling() is not before


def test_without_files_there_is_nothing_to_show(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Identity(tmp_path).serving()
