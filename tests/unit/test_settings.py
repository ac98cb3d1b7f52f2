from __future__ import annotations

import pytest

from service.settings import SettingsWrong, read_api, read_dsn, read_passwords, read_worker

ENVIRON = {
    "EVERGRID_PRIMARY_DSN": "host=p",
    "EVERGRID_REPLICA_DSN": "host=r",
    "EVERGRID_WORKER_DSN": "host=w",
    "EVERGRID_HOST": "app1",
    "EVERGRID_SIGNING_KEY": "k" * 32,
}
OIDC = {
    "EVERGRID_OIDC_ISSUER": "https://issuer.example",
    "EVERGRID_OIDC_AUDIENCE": "evergrid",
    "EVERGRID_OIDC_JWKS_URL": "https://issuer.example/keys",
}


def test_what_may_be_left_out_has_the_figures_of_the_design():
    found = read_api(ENVIRON)
    assert (found.connections_max, found.deadline_s, found.metrics_folder) == (8, 27, None)
    assert read_worker(ENVIRON).metrics_port == 8081


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    environ = {
        "EVERGRID_HOST": "app1",
        "EVERGRID_CONNECTIONS_MAX": "many",
        "EVERGRID_DEADLINE_S": "0",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "nowhere"),
    }
    with pytest.raises(SettingsWrong) as wrong:
        read_api(environ)
    for name in environ.keys() - {"EVERGRID_HOST"} | {
        "EVERGRID_PRIMARY_DSN",
        "EVERGRID_REPLICA_DSN",
        "EVERGRID_SIGNING_KEY",
    }:
        assert name in str(wrong.value)


@pytest.mark.parametrize("value", ["", "-1", "1.5", "٨", "65", "99999999999"])
def test_a_pool_is_a_whole_number_of_connections_that_the_server_can_bear(value):
    with pytest.raises(SettingsWrong, match="EVERGRID_CONNECTIONS_MAX"):
        read_api(ENVIRON | {"EVERGRID_CONNECTIONS_MAX": value})


def test_a_secret_has_no_default():
    with pytest.raises(SettingsWrong, match="EVERGRID_OWNER_DSN is missing"):
        read_dsn({}, "EVERGRID_OWNER_DSN")
    with pytest.raises(SettingsWrong, match="EVERGRID_API_PASSWORD is missing; EVERGRID_WORKER"):
        read_passwords({"EVERGRID_OWNER_PASSWORD": "x", "EVERGRID_AUDIT_PASSWORD": "x"})


@pytest.mark.parametrize("name", ["EVERGRID_SIGNING_KEY", "EVERGRID_SIGNING_KEY_PREVIOUS"])
def test_a_key_that_could_be_guessed_signs_nothing(name):
    with pytest.raises(SettingsWrong, match=f"{name} has fewer than 32") as wrong:
        read_api(ENVIRON | {name: "short-key-of-somebody"})
    assert "short-key-of-somebody" not in str(wrong.value)


def test_the_key_before_is_accepted_still():
    found = read_api(ENVIRON | {"EVERGRID_SIGNING_KEY_PREVIOUS": "p" * 32}).signing
    assert (found.current, found.previous) == ("k" * 32, "p" * 32)
    assert read_api(ENVIRON).signing.previous is None
    assert "k" * 32 not in f"{read_api(ENVIRON)!r}"


def test_nobody_else_vouches_for_the_staff_unless_it_is_said():
    assert read_api(ENVIRON).oidc is None
    found = read_api(ENVIRON | OIDC).oidc
    assert found is not None
    assert (found.issuer, found.claim) == ("https://issuer.example", "sub")


@pytest.mark.parametrize("missing", ["EVERGRID_OIDC_AUDIENCE", "EVERGRID_OIDC_JWKS_URL"])
def test_an_issuer_is_described_wholly(missing):
    with pytest.raises(SettingsWrong, match=f"{missing} is missing"):
        read_api(ENVIRON | {name: value for name, value in OIDC.items() if name != missing})


def test_the_keys_of_an_issuer_come_over_a_line_that_proves_whose_they_are():
    with pytest.raises(SettingsWrong, match="EVERGRID_OIDC_JWKS_URL does not begin with https"):
        read_api(ENVIRON | OIDC | {"EVERGRID_OIDC_JWKS_URL": "http://issuer.example/keys"})
