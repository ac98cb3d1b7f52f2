"""Which programs run with older files than what lies there: judged by times alone."""

from __future__ import annotations

UNIT = {"program": "patroni", "unit": "evergrid-patroni.service", "can_reload": True}
RELOADED = {"path": "/etc/evergrid/patroni.yml", "programs": ["patroni"], "change": "reload"}
RESTARTED = {
    "path": "/etc/systemd/system/evergrid-patroni.service",
    "programs": ["patroni"],
    "change": "restart",
}
OTHERS = {"path": "/etc/evergrid/warden.json", "programs": ["warden"], "change": "restart"}


def judge(stale, *, reload_at=0.0, restart_at=0.0, reloaded_s=0.0, unit=UNIT):
    times = {RELOADED["path"]: reload_at, RESTARTED["path"]: restart_at, OTHERS["path"]: 999.0}
    return stale.judge(
        unit,
        [RELOADED, RESTARTED, OTHERS],
        started_s=100.0,
        reloaded_s=reloaded_s,
        modified_s=times,
    )


def test_a_program_that_started_after_its_files_is_left_alone(stale):
    assert judge(stale, reload_at=99.0, restart_at=99.0) == ""


def test_a_newer_file_is_read_anew(stale):
    assert judge(stale, reload_at=101.0) == "reload"


def test_a_file_that_was_read_anew_is_old(stale):
    assert judge(stale, reload_at=101.0, reloaded_s=102.0) == ""
    assert judge(stale, reload_at=103.0, reloaded_s=102.0) == "reload"


def test_a_newer_unit_needs_a_restart_whatever_was_reloaded(stale):
    assert judge(stale, restart_at=101.0, reloaded_s=102.0) == "restart"
    assert judge(stale, restart_at=101.0, reload_at=101.0) == "restart"


def test_who_cannot_reload_starts_anew(stale):
    assert judge(stale, reload_at=101.0, unit=UNIT | {"can_reload": False}) == "restart"


def test_a_file_of_the_very_moment_counts_as_newer(stale):
    assert judge(stale, restart_at=100.0) == "restart"
