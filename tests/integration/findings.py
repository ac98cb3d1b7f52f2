"""Findings and estimates as the service leaves them, for tests that need one to speak of."""

from __future__ import annotations

from collections.abc import Callable

from tests.conftest import NOW

Superuser = Callable[[str], list[tuple]]


def find(superuser: Superuser, account_no: str) -> int:
    """Return the number of a finding about the newest reading of an account, not billed yet."""
    [(finding_no,)] = superuser(
        "INSERT INTO evergrid.reading_finding (bureau_id, account_id, meter_id, read_at, register, "
        "consumption_kwh, code, detail, bill_run_id, found_at) "
        "SELECT state.bureau_id, meter.account_id, state.meter_id, state.read_at, state.register, "
        "100, 'CONSUMPTION_HIGH', '100 kWh in 30 days, 9 kWh in 90 days before', "
        "(SELECT max(bill_run_id) FROM evergrid.bill_run AS run "
        f"WHERE run.bureau_id = state.bureau_id), '{NOW}' "
        "FROM evergrid.meter_state AS state JOIN evergrid.meter USING (bureau_id, meter_id) "
        f"JOIN evergrid.account USING (bureau_id, account_id) WHERE account_no = '{account_no}' "
        "RETURNING reading_finding_id"
    )
    return int(finding_no)


def accept(superuser: Superuser, finding_no: int) -> None:
    """Let somebody have accepted a finding."""
    superuser(
        "INSERT INTO evergrid.reading_finding_acceptance "
        "SELECT reading_finding_id, bureau_id, (SELECT max(principal_id) FROM evergrid.principal), "
        f"'{NOW}', 'seen' FROM evergrid.reading_finding WHERE reading_finding_id = {finding_no}"
    )


def estimate(superuser: Superuser, account_no: str) -> None:
    """Let the month after an account's newest reading be estimated: as much as it shows."""
    superuser(
        "WITH kept AS (INSERT INTO evergrid.reading (bureau_id, meter_id, read_at, register, "
        "rolled_over, source, principal_id, recorded_at) SELECT state.bureau_id, state.meter_id, "
        "state.read_at + interval '31 days', state.register, false, 'estimate', "
        f"(SELECT max(principal_id) FROM evergrid.principal), '{NOW}' "
        "FROM evergrid.meter_state AS state JOIN evergrid.meter USING (bureau_id, meter_id) "
        f"JOIN evergrid.account USING (bureau_id, account_id) WHERE account_no = '{account_no}' "
        "RETURNING bureau_id, meter_id, read_at, principal_id), "
        "moved AS (UPDATE evergrid.meter_state AS state SET read_at = kept.read_at, "
        "estimated_at = kept.read_at, estimated_register = state.register FROM kept "
        "WHERE (state.bureau_id, state.meter_id) = (kept.bureau_id, kept.meter_id)) "
        "INSERT INTO evergrid.reading_estimate SELECT bureau_id, meter_id, read_at, "
        "date_trunc('month', read_at AT TIME ZONE 'Asia/Shanghai')::date, 0, 'mean', '[]', "
        f"'nobody at home', principal_id, '{NOW}' FROM kept"
    )


def history(superuser: Superuser, account_nos: list[str]) -> None:
    """Let accounts that were opened in February have bills of three months, until it ended."""
    superuser("SELECT evergrid.make_partitions('evergrid.bill'::regclass, '2025-12-01', 1)")
    numbers = ", ".join(f"'{account_no}'" for account_no in account_nos)
    of_months = (
        "FROM evergrid.account JOIN evergrid.meter USING (bureau_id, account_id) CROSS JOIN "
        "(VALUES (date '2025-12-01'), ('2026-01-01'), ('2026-02-01')) AS about (month) "
        f"WHERE account_no IN ({numbers})"
    )
    bill_no = "to_char(month, 'YYYYMM') || account_no || '01'"
    ends_at = "(month + interval '1 month' - interval '4 hours') AT TIME ZONE 'Asia/Shanghai'"
    superuser(
        "INSERT INTO evergrid.receivable (bureau_id, account_id, month, bill_no, due_on, "
        f"amount_fen, open_fen) SELECT bureau_id, account_id, month, {bill_no}, month + 50, 0, 0 "
        + of_months
    )
    superuser(
        "INSERT INTO evergrid.bill (month, bureau_id, account_id, bill_no, bill_run_id, "
        "catalogue_version_id, previous_read_at, previous_register, read_at, register, multiplier, "
        "consumption_kwh, amount_fen, issued_at, due_on) SELECT month, bureau_id, account_id, "
        f"{bill_no}, (SELECT max(bill_run_id) FROM evergrid.bill_run), "
        "(SELECT min(catalogue_version_id) FROM evergrid.catalogue_version), "
        f"{ends_at} - interval '30 days', 0, {ends_at}, 0, 1, 0, 0, '{NOW}', month + 50 "
        + of_months
    )
