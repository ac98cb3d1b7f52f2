"""Who streams asks no archive; a promotion asks it for timelines that began elsewhere."""

from __future__ import annotations

import inspect
import os
import time
from types import SimpleNamespace

import pytest
from patroni.collections import CaseInsensitiveDict
from patroni.postgresql import Postgresql
from patroni.postgresql.bootstrap import Bootstrap
from patroni.postgresql.config import ConfigHandler
from patroni.postgresql.misc import PostgresqlState

from ha import archive_use

# What was left of a timeline that nobody has heard of counts for nothing.
SEGMENTS = ("000000060000000000000029", "000000090000000000000029")
STREAMING = {"receiver_state": "streaming", "write_location": 4711}


def test_patroni_has_what_is_replaced():
    # The day this fails, `archive_use` must be read anew.
    for of, name, parameters in (
        (ConfigHandler, "build_recovery_params", ["self", "member"]),
        (ConfigHandler, "check_recovery_conf", ["self", "member"]),
        (ConfigHandler, "restore_command", ["self"]),
        (Postgresql, "start", ["self"]),
        (Postgresql, "follow", ["self", "member", "role", "timeout", "do_reload"]),
    ):
        found = list(inspect.signature(getattr(of, name)).parameters)
        assert found[: len(parameters)] == parameters, name
    assert PostgresqlState.RUNNING == "running"
    source = inspect.getsource(Postgresql._cluster_info_state_get)
    assert "'receiver_state'" in source
    assert "'write_location'" in source
    assert "_recovery_params" in inspect.getsource(ConfigHandler.write_recovery_conf)
    assert isinstance(Bootstrap.running_custom_bootstrap, property)


class Settings:
    """Stands in for Patroni's class of a server's settings."""

    def __init__(self, server):
        self._postgresql = server
        self._current_recovery_params = {}
        self._recovery_params = {}

    def restore_command(self):
        return "get"

    def build_recovery_params(self, member):
        return CaseInsensitiveDict({"restore_command": "get", "primary_slot_name": member})

    def check_recovery_conf(self, member):
        """Say as Patroni does if anything is to be changed, and if that needs a restart."""
        wanted = self.build_recovery_params(member)
        current = {name: value for name, (value,) in self._current_recovery_params.items()}
        return {name: value for name, value in wanted.items() if value} != current, False

    def write(self, member):
        wanted = self.build_recovery_params(member)
        self._recovery_params = dict(wanted.items())
        self._current_recovery_params = {name: [value] for name, value in wanted.items()}


class Server:
    """Stands in for Patroni's class of a PostgreSQL."""

    def __init__(self, settings):
        self.state = PostgresqlState.STARTING
        self._cluster_info_state = {}
        self.config = settings(self)
        self.bootstrap = SimpleNamespace(running_custom_bootstrap=False)
        self.reloads = 0

    def follow(self, member, *, do_reload):
        assert do_reload
        self.reloads += 1
        self.config.write(member)

    def start(self, *, role):
        return role, dict(self.config._recovery_params)


@pytest.fixture
def server(monkeypatch):
    """A server with a clock of its own."""

    class Choosing(Settings):
        pass

    class Beginning(Server):
        pass

    archive_use.leave_alone_while_streaming(Choosing, Beginning)
    found = Beginning(Choosing)

    def at(now_s, *, state="running", **seen):
        monkeypatch.setattr(archive_use, "time", SimpleNamespace(monotonic=lambda: now_s))
        found.state = PostgresqlState(state)
        found._cluster_info_state = seen
        wanted = found.config.build_recovery_params("db1")
        assert wanted["primary_slot_name"] == "db1"
        return "restore_command" in wanted

    found.asks_at = at
    return found


def test_a_server_that_streams_asks_no_archive(server):
    assert server.asks_at(0.0, state="starting")
    assert server.asks_at(1.0), "it has not streamed yet"
    assert not server.asks_at(2.0, **STREAMING)
    assert not server.asks_at(2.0 + archive_use._AFTER_S - 1), "on its way to another primary"
    assert server.asks_at(2.0 + archive_use._AFTER_S), "it may lack what the archive has"


def test_who_is_connected_has_not_streamed_yet(server):
    """Its segment may be gone from the primary: only the archive has it then."""
    assert server.asks_at(2.0, receiver_state="streaming", write_location=None)


def test_a_server_that_is_started_anew_asks_it(server):
    assert not server.asks_at(2.0, **STREAMING)
    assert server.asks_at(3.0, state="stopped")


def test_a_restart_begins_with_the_archive_however_it_ran_before(server):
    server.asks_at(2.0, **STREAMING)
    server.config.write("db1")
    assert "restore_command" not in server.config._recovery_params
    _, begun = server.start(role="replica")
    assert begun == {"primary_slot_name": "db1", "restore_command": "get"}


def test_who_is_born_from_a_backup_asks_the_archive_of_that_one(server):
    server.config._recovery_params = {"restore_command": "get from the source"}
    server.bootstrap.running_custom_bootstrap = True
    _, begun = server.start(role="replica")
    assert begun == {"restore_command": "get from the source"}


def test_a_start_forgets_what_streamed_before(server):
    assert not server.asks_at(2.0, **STREAMING)
    server.start(role="replica")
    assert server.asks_at(3.0)


def test_a_primary_is_started_without_it(server):
    assert server.start(role="primary") == ("primary", {})


def test_a_change_of_the_command_alone_is_made_without_a_word(server):
    server.asks_at(1.0)
    server.config.write("db1")
    assert server.config.check_recovery_conf("db1") == (False, False)
    server.asks_at(2.0, **STREAMING)
    assert server.config.check_recovery_conf("db1") == (False, False)
    assert server.reloads == 1
    assert "restore_command" not in server.config._current_recovery_params
    assert server.config.check_recovery_conf("db1") == (False, False)
    assert server.reloads == 1
    server.asks_at(2.0 + archive_use._AFTER_S)
    assert server.config.check_recovery_conf("db1") == (False, False)
    assert server.config._current_recovery_params["restore_command"] == ["get"]
    assert server.reloads == 2


def test_another_leader_is_patroni_s_to_follow(server):
    server.asks_at(1.0)
    server.config.write("db1")
    server.asks_at(2.0, **STREAMING)
    assert server.config.check_recovery_conf("db2") == (True, False)
    assert server.reloads == 0


@pytest.fixture
def data(tmp_path):
    """A server's files: of timeline 6, begun a minute ago."""
    folder = tmp_path / "data"
    (folder / "pg_wal").mkdir(parents=True)
    for name in (*SEGMENTS, "00000006.history"):
        (folder / "pg_wal" / name).touch()
    (folder / "pg_wal/archive_status").mkdir()
    (folder / "postmaster.pid").touch()
    os.utime(folder / "postmaster.pid", (time.time() - 60,) * 2)
    return folder


@pytest.fixture
def archive(tmp_path):
    """An archive that has some timelines; the command that asks it."""
    (tmp_path / "archive").mkdir()

    def having(*names):
        for name in names:
            (tmp_path / "archive" / name).write_text(f"of {name}")
        return f"echo %f >>{tmp_path}/asked; cp {tmp_path}/archive/%f %p 2>/dev/null"

    return having


def asked(tmp_path):
    told = tmp_path / "asked"
    return told.read_text().split() if told.exists() else []


def test_a_promotion_hears_of_every_timeline_that_began_elsewhere(data, archive, tmp_path):
    archive_use.learn_timelines(data, archive("00000007.history", "00000008.history"), tmp_path)
    assert asked(tmp_path) == ["00000007.history", "00000008.history", "00000009.history"]
    assert (data / "pg_wal/00000008.history").read_text() == "of 00000008.history"
    assert {each.name for each in (data / "pg_wal").iterdir()} == {
        *SEGMENTS, "archive_status", "00000006.history", "00000007.history", "00000008.history",
    }  # fmt: skip


def note(tmp_path, *, before_s):
    hundredths = int((time.clock_gettime(time.CLOCK_BOOTTIME) - before_s) * 100)
    (tmp_path / "streamed_at").write_text(f"{hundredths}\n")


def test_nobody_can_have_led_since_wal_streamed_just_now(data, archive, tmp_path):
    note(tmp_path, before_s=0.2)
    archive_use.learn_timelines(data, archive("00000007.history"), tmp_path)
    assert asked(tmp_path) == []


@pytest.mark.parametrize("case", ["long ago", "another run", "no number"])
def test_any_other_note_is_no_reason_not_to_ask(data, archive, tmp_path, case):
    note(tmp_path, before_s=2.0 if case == "long ago" else 0.2)
    if case == "another run":
        os.utime(data / "postmaster.pid", (time.time() + 5,) * 2)
    if case == "no number":
        (tmp_path / "streamed_at").write_text("now")
    archive_use.learn_timelines(data, archive(), tmp_path)
    assert asked(tmp_path) == ["00000007.history"]


def test_an_archive_that_hangs_holds_no_promotion_up(data, tmp_path, monkeypatch):
    monkeypatch.setattr(archive_use, "_ASKED_S", 0.2)
    archive_use.learn_timelines(data, "exec sleep 60", tmp_path)
    archive_use.learn_timelines(data, None, tmp_path)
