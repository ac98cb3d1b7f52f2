"""Corrections of readings that somebody has asked for, who does nothing else in a test."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from tests.conftest import NOW


def ask(superuser: Callable[[str], list[tuple]], account_no: str) -> int:
    """Return the number of a correction of the newest reading that waits for a decision."""
    [(principal_id,)] = superuser(
        "INSERT INTO evergrid.principal (name, role) "
        f"VALUES ('{secrets.token_hex(8)}', 'billing_officer') RETURNING principal_id"
    )
    [(correction_no, bureau)] = superuser(
        "INSERT INTO evergrid.reading_correction (bureau_id, meter_id, read_at, register_before, "
        "register, rolled_over, is_confirmed) SELECT state.bureau_id, state.meter_id, "
        "state.read_at, state.register, state.register - 1, false, false "
        "FROM evergrid.meter_state AS state "
        "JOIN evergrid.meter USING (bureau_id, meter_id) "
        "JOIN evergrid.account USING (bureau_id, account_id) "
        f"WHERE account_no = '{account_no}' RETURNING reading_correction_id, bureau_id"
    )
    superuser(
        "INSERT INTO evergrid.reading_correction_event "
        "(reading_correction_id, position, bureau_id, step, principal_id, happened_at, reason) "
        f"VALUES ({correction_no}, 1, {bureau}, 'requested', {principal_id}, '{NOW}', 'misread')"
    )
    return int(correction_no)


def supersede(superuser: Callable[[str], list[tuple]], correction_no: int) -> None:
    """Let a correction of the newest reading be in force, whoever asked for it, as if approved."""
    superuser(
        "INSERT INTO evergrid.superseding_reading (bureau_id, meter_id, read_at, "
        "reading_correction_id, register, rolled_over) SELECT bureau_id, meter_id, read_at, "
        "reading_correction_id, register, rolled_over FROM evergrid.reading_correction "
        f"WHERE reading_correction_id = {correction_no}"
    )
    superuser(
        "UPDATE evergrid.meter_state AS state SET register = asked.register "
        "FROM evergrid.reading_correction AS asked "
        f"WHERE asked.reading_correction_id = {correction_no} "
        "AND state.bureau_id = asked.bureau_id AND state.meter_id = asked.meter_id"
    )
    superuser(
        "INSERT INTO evergrid.reading_correction_event "
        "(reading_correction_id, position, bureau_id, step, principal_id, happened_at) "
        "SELECT reading_correction_id, 2, bureau_id, 'approved', principal_id, happened_at "
        f"FROM evergrid.reading_correction_event WHERE reading_correction_id = {correction_no}"
    )
