"""Reading sections and plans as the service leaves them, for tests that need one to speak of."""

from __future__ import annotations

from collections.abc import Callable

from tests.conftest import NOW

Superuser = Callable[[str], list[tuple]]
_SOMEBODY = "(SELECT max(principal_id) FROM evergrid.principal)"


def add(superuser: Superuser, bureau: int, name: str) -> int:
    """Return the number of a new section without a route."""
    [(section_no,)] = superuser(
        "INSERT INTO evergrid.reading_section (bureau_id, name, principal_id, added_at) "
        f"VALUES ({bureau}, '{name}', {_SOMEBODY}, '{NOW}') RETURNING reading_section_id"
    )
    return int(section_no)


def plan(superuser: Superuser, section_no: int, account_no: str) -> int:
    """Send somebody to one account on a section's route in April 2026; return the plan's number."""
    superuser(
        "INSERT INTO evergrid.reading_route SELECT reading_section_id, '2026-01-01', bureau_id, 5, "
        f"{_SOMEBODY}, '{NOW}' FROM evergrid.reading_section "
        f"WHERE reading_section_id = {section_no}; "
        f"INSERT INTO evergrid.reading_stop SELECT {section_no}, bureau_id, account_id, 1, "
        f"'[2026-01-01,)' FROM evergrid.account WHERE account_no = '{account_no}'"
    )
    [(plan_no,)] = superuser(
        "INSERT INTO evergrid.reading_plan (bureau_id, reading_section_id, month, due_on, "
        f"principal_id, made_at) SELECT bureau_id, reading_section_id, '2026-04-01', '2026-04-05', "
        f"{_SOMEBODY}, '{NOW}' FROM evergrid.reading_section "
        f"WHERE reading_section_id = {section_no} RETURNING reading_plan_id"
    )
    return int(plan_no)


def send(superuser: Superuser, plan_no: int) -> None:
    """Send somebody to a plan."""
    superuser(
        "INSERT INTO evergrid.reading_plan_assignment (reading_plan_id, bureau_id, reader_id, "
        f"principal_id, assigned_at) SELECT reading_plan_id, bureau_id, {_SOMEBODY}, {_SOMEBODY}, "
        f"'{NOW}' FROM evergrid.reading_plan WHERE reading_plan_id = {plan_no}"
    )
