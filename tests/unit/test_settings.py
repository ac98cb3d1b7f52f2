from __future__ import annotations

import pytest

from service.settings import SettingsWrong, read_api, read_dsn, read_passwords, read_worker

ENVIRON = {
    "EVERGRID_PRIMARY_DSN": "host=p",
    "EVERGRID_REPLICA_DSN": "host=r",
    "EVERGRID_WORKER_DSN": "host=w",
    "EVERGRID_HOST": "app1",
}


def test_what_may_be_left_out_has_the_figures_of_the_design():
    found = read_api(ENVIRON)
    assert (found.connections_max, found.deadline_s, found.metrics_folder) == (8, 28, None)
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
