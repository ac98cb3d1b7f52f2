"""What tests of two-part accounts begin with: terms, equipment that runs since long ago."""

from __future__ import annotations

import itertools
from collections.abc import Callable

_SERIALS = itertools.count(1)


def install(
    superuser: Callable[[str], list[tuple]], account_no: str, *, capacity_kva: str = "1000"
) -> str:
    """Let a motor run at an account since 2020; return its number."""
    equipment_no = f"M{next(_SERIALS)}"
    superuser(
        "INSERT INTO evergrid.equipment (bureau_id, account_id, equipment_no, kind, capacity_kva) "
        f"SELECT bureau_id, account_id, '{equipment_no}', 'motor', {capacity_kva} "
        f"FROM evergrid.account WHERE account_no = '{account_no}'"
    )
    superuser(
        "INSERT INTO evergrid.equipment_change (bureau_id, account_id, equipment_no, from_day, "
        "condition, document_no, principal_id, recorded_at) "
        f"SELECT bureau_id, account_id, '{equipment_no}', '2020-01-01', 'running', 'W-0', "
        "(SELECT min(principal_id) FROM evergrid.principal), now() "
        f"FROM evergrid.account WHERE account_no = '{account_no}'"
    )
    return equipment_no


def agree(superuser: Callable[[str], list[tuple]], account_no: str) -> None:
    """Let an account pay for its capacity since 2020, its power factor not being assessed."""
    superuser(
        "INSERT INTO evergrid.supply_term (bureau_id, account_id, from_month, serial, basic_mode, "
        "is_metered_low, load_shape, line_loss_hundredths_percent, has_heavy_use_discount, "
        "document_no, principal_id, recorded_at) "
        "SELECT bureau_id, account_id, '2020-01-01', 1, 'capacity', false, 1, 0, false, 'C-0', "
        "(SELECT min(principal_id) FROM evergrid.principal), now() "
        f"FROM evergrid.account WHERE account_no = '{account_no}'"
    )
