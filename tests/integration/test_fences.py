"""What the roles of our programs cannot do in SQL, whatever the code would ask."""

from __future__ import annotations

from types import SimpleNamespace

import psycopg2
import pytest

from tests.conftest import NOW
from tests.integration import (
    cancellations,
    corrections,
    energy_corrections,
    findings,
    runs,
    sections,
)
from tests.integration.sign_ins import IDENTITY
from tests.integration.utilities import Utility

API, WORKER, AUDIT = "evergrid_api", "evergrid_worker", "evergrid_audit"
REFUSED = psycopg2.errors.InsufficientPrivilege
# Rows of these are never changed, by anybody.
APPEND_ONLY = [
    "staff_event", "reading", "bill", "bill_line", "payment", "allocation", "journal",
    "ledger_entry", "catalogue_version", "price_item", "price_proposal", "price_proposal_event",
    "household_term", "bill_cancellation", "bill_cancellation_event", "reading_correction",
    "reading_correction_event", "superseding_reading", "reading_estimate", "reading_finding",
    "reading_finding_acceptance", "reading_section", "reading_route", "reading_plan",
    "reading_plan_assignment", "bill_run_sample", "bill_run_decision",
    "apportionment", "apportionment_part",
    "energy_correction", "energy_correction_bill", "energy_correction_event", "account_closing",
    "supply_term", "equipment", "equipment_change", "power_factor_row",
    "meter_exchange", "meter_register", "register_reading", "superseding_register_reading",
]  # fmt: skip
# All that programs may change of what is recorded already: whole rows, or single columns of them.
CHANGED = {
    (API, "UPDATE", "meter_state", "*"),
    (API, "UPDATE", "sign_in_failure", "*"),
    (API, "UPDATE", "account", "version"),
    (API, "UPDATE", "meter", "removed_at"),
    (API, "UPDATE", "api_token", "last_used_at"),
    (API, "UPDATE", "prepayment_lot", "open_fen"),
    (API, "UPDATE", "reading_stop", "months"),
    (API, "UPDATE", "receivable", "open_fen"),
    (API, "UPDATE", "staff", "locked_at"),
    (API, "UPDATE", "staff", "must_change_password"),
    (API, "UPDATE", "staff_password", "changed_at"),
    (API, "UPDATE", "staff_password", "password_hash"),
    (API, "UPDATE", "staff_session", "ended_at"),
    (WORKER, "DELETE", "sign_in_failure", "*"),
    (WORKER, "DELETE", "staff_session", "*"),
    (WORKER, "UPDATE", "account", "version"),
    (WORKER, "UPDATE", "prepayment_lot", "open_fen"),
    (WORKER, "UPDATE", "receivable", "open_fen"),
    *((WORKER, "UPDATE", "bill_run_chunk", column)
      for column in ("calculated_at", "calculated", "calculated_kwh", "calculated_fen",
                     "account_ids", "digests", "readers", "closed_at", "is_compared", "done_at",
                     "billed", "failed", "amount_fen")),
}  # fmt: skip
NEW_STAFF = (
    "INSERT INTO evergrid.staff (principal_id, bureau_id, full_name, created_at, "
    f"must_change_password) SELECT max(principal_id), {{}}, 'Li', '{NOW}', false "
    "FROM evergrid.principal"
)
NEW_EVENT = (
    "INSERT INTO evergrid.staff_event (happened_at, kind, bureau_id) "
    f"VALUES ('{NOW}', 'tested', {{}})"
)
HASH = IDENTITY.hashing.hash("the password of the fences")


@pytest.fixture
def run(migrated):
    """Run a statement as a role, in a bureau, and undo it; return its rows."""
    opened = []

    def ran(role, statement, bureau="*"):
        connection = psycopg2.connect(migrated.dsn(role))
        connection.set_session(readonly=False)  # as anybody may who is only asked to read
        opened.append(connection)
        with connection.cursor() as cursor:
            cursor.execute(f"SET evergrid.bureau = '{bureau}'")
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    yield ran
    for connection in opened:
        connection.close()


@pytest.fixture(scope="module")
def staff(migrated):
    """A person of bureau 1, one of bureau 2, with passwords and an event each."""
    for bureau in (1, 2):
        migrated.superuser(
            "WITH someone AS (INSERT INTO evergrid.principal (name, role, bureau_id) "
            f"VALUES ('fenced.{bureau}', 'reader', {bureau}) RETURNING principal_id), "
            "person AS (INSERT INTO evergrid.staff (principal_id, bureau_id, full_name, "
            f"created_at, must_change_password) SELECT principal_id, {bureau}, 'Li', '{NOW}', "
            "false FROM someone), "
            "known AS (INSERT INTO evergrid.staff_password "
            f"SELECT principal_id, '{HASH}', '{NOW}' FROM someone) "
            "INSERT INTO evergrid.staff_event (happened_at, kind, principal_id, bureau_id) "
            f"SELECT '{NOW}', 'fenced', principal_id, {bureau} FROM someone"
        )


@pytest.fixture(scope="module")
def business(migrated, database, worker_database, caller, once):
    """A row of everything that a bureau has."""
    utility = Utility(migrated.superuser, database, worker_database, caller, once, NOW)
    [account_no] = utility.open_accounts()
    utility.read([account_no], "310")
    utility.bill()
    utility.pay(account_no, 500_00)
    cancellations.ask(migrated.superuser, f"202602{account_no}01")
    energy_corrections.ask(utility, account_no)
    misread, asked = utility.open_accounts(2)
    utility.read([misread, asked], "310")
    corrections.supersede(migrated.superuser, corrections.ask(migrated.superuser, misread))
    corrections.ask(migrated.superuser, asked)
    odd, unread = utility.open_accounts(2)
    utility.read([odd, unread], "310")
    findings.accept(migrated.superuser, findings.find(migrated.superuser, odd))
    findings.estimate(migrated.superuser, unread)
    plan_no = sections.plan(
        migrated.superuser,
        sections.add(migrated.superuser, utility.bureau, "of the fences"),
        account_no,
    )
    sections.send(migrated.superuser, plan_no)


def test_the_last_step_of_a_cancellation_is_the_database_s_own(run, migrated, business):
    [(number, bureau)] = migrated.superuser(
        "SELECT bill_cancellation_id, bureau_id FROM evergrid.bill_cancellation_event "
        "WHERE step = 'requested' LIMIT 1"
    )
    step = (
        "INSERT INTO evergrid.bill_cancellation_event (bill_cancellation_id, position, bureau_id, "
        f"step, principal_id, happened_at, reason, mirror_bill_no) VALUES ({number}, 9, {bureau}, "
    )
    with pytest.raises(REFUSED):
        run(API, f"{step} 'approved', 1, now(), NULL, '202602100000000502')")
    assert run(API, f"{step} 'rejected', 1, now(), 'no', NULL)") == 1


def test_the_last_step_of_a_correction_of_energy_is_the_database_s_own(run, migrated, business):
    [(number, bureau)] = migrated.superuser(
        "SELECT energy_correction_id, bureau_id FROM evergrid.energy_correction_event "
        "GROUP BY energy_correction_id, bureau_id HAVING count(*) = 1 LIMIT 1"
    )
    step = (
        "INSERT INTO evergrid.energy_correction_event (energy_correction_id, position, bureau_id, "
        f"step, principal_id, happened_at, reason) VALUES ({number}, 9, {bureau}, "
    )
    with pytest.raises(REFUSED):
        run(API, f"{step} 'approved', 1, now(), NULL)")
    assert run(API, f"{step} 'rejected', 1, now(), 'no')") == 1


def test_the_last_step_of_a_correction_is_the_database_s_own(run, migrated, business):
    [(number, bureau)] = migrated.superuser(
        "SELECT reading_correction_id, bureau_id FROM evergrid.reading_correction_event "
        "GROUP BY reading_correction_id, bureau_id HAVING count(*) = 1 LIMIT 1"
    )
    step = (
        "INSERT INTO evergrid.reading_correction_event (reading_correction_id, position, "
        f"bureau_id, step, principal_id, happened_at, reason) VALUES ({number}, 2, {bureau}, "
    )
    with pytest.raises(REFUSED):
        run(API, f"{step} 'approved', 1, now(), NULL)")
    assert run(API, f"{step} 'rejected', 1, now(), 'no')") == 1


def test_only_the_database_supersedes_a_reading(run, migrated, business):
    with pytest.raises(REFUSED):
        run(
            API,
            "INSERT INTO evergrid.superseding_reading (bureau_id, meter_id, read_at, "
            "reading_correction_id, register, rolled_over) SELECT bureau_id, meter_id, read_at, "
            "reading_correction_id, 1, false FROM evergrid.reading_correction LIMIT 1",
        )


@pytest.fixture
def calculated(migrated, business):
    """A calculated run of bureau 1, with who asked for it, who took readings, who did neither."""
    bill_run_id = runs.calculated(migrated.superuser, 1)
    [(asked_for,)] = migrated.superuser(
        f"SELECT principal_id FROM evergrid.bill_run WHERE bill_run_id = {bill_run_id}"
    )
    migrated.superuser(
        f"UPDATE evergrid.bill_run_chunk SET readers = '{{{asked_for - 1}}}' "
        f"WHERE bill_run_id = {bill_run_id}"
    )
    yield SimpleNamespace(
        bill_run_id=bill_run_id, asker=asked_for, reader=asked_for - 1, other=asked_for - 2
    )
    runs.close(migrated.superuser, 1)


# In each of these `run` stands last: what it holds is let go before the run is closed.
def decision(calculated, hand, step="approved"):
    return (
        f"SELECT evergrid.decide_bill_run({calculated.bill_run_id}, "
        f"{getattr(calculated, hand)}, '{step}', 'seen', now())"
    )


@pytest.mark.parametrize("role", [API, WORKER])
def test_a_run_is_approved_by_the_database_s_own_function_alone(calculated, role, run):
    approval = f"({calculated.bill_run_id}, 1, 'approved', {calculated.other}, now(), 'seen')"
    for statement in (
        f"INSERT INTO evergrid.bill_run_decision VALUES {approval}",
        (
            "INSERT INTO evergrid.bill_run_chunk (bill_run_id, chunk, bureau_id, first_account_id, "
            "last_account_id, accounts, calculated_at, approved_at, account_ids, digests) "
            f"VALUES ({calculated.bill_run_id}, 9, 1, 1, 1, 1, now(), now(), '{{1}}', '{{a}}')"
        ),
        "UPDATE evergrid.bill_run_chunk SET approved_at = now()",
    ):
        with pytest.raises(REFUSED):
            run(role, statement)


def test_a_worker_decides_about_no_run(calculated, run):
    with pytest.raises(REFUSED):
        run(WORKER, decision(calculated, "other"))


@pytest.mark.parametrize(("hand", "step"), [("other", "approved"), ("asker", "rejected")])
def test_that_function_takes_another_hand_s_approval_and_anybody_s_no(calculated, hand, step, run):
    assert run(API, decision(calculated, hand, step), bureau="1") == [("",)]


@pytest.mark.parametrize("hand", ["asker", "reader"])
def test_that_function_refuses_whoever_asked_or_read(calculated, hand, run):
    with pytest.raises(psycopg2.errors.RestrictViolation):
        run(API, decision(calculated, hand))


def test_that_function_refuses_another_bureau(calculated, run):
    with pytest.raises(psycopg2.errors.NotNullViolation):
        run(API, decision(calculated, "other"), bureau="2")


def test_that_function_refuses_what_is_not_calculated(calculated, migrated, run):
    migrated.superuser(
        "UPDATE evergrid.bill_run_chunk SET calculated_at = NULL "
        f"WHERE bill_run_id = {calculated.bill_run_id}"
    )
    with pytest.raises(psycopg2.errors.RestrictViolation):
        run(API, decision(calculated, "other"))


@pytest.mark.parametrize("is_approved", [False, True])
def test_no_chunk_is_billed_by_a_worker_that_compares_with_no_approval(
    calculated, migrated, is_approved, run
):
    """As workers did before sign-offs, of which some may run while others know of them."""
    if is_approved:
        migrated.superuser(
            "UPDATE evergrid.bill_run_chunk SET approved_at = now() "
            f"WHERE bill_run_id = {calculated.bill_run_id}"
        )
    done = "UPDATE evergrid.bill_run_chunk SET done_at = now(), billed = 1 WHERE bill_run_id = "
    with pytest.raises(psycopg2.errors.CheckViolation, match="bill_run_chunk_was_approved"):
        run(WORKER, f"{done}{calculated.bill_run_id}")


@pytest.mark.parametrize("role", [API, WORKER, AUDIT])
@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE evergrid.{table} SET {column} = {column}",
        "DELETE FROM evergrid.{table}",
        "TRUNCATE evergrid.{table}",
        "ALTER TABLE evergrid.{table} DISABLE TRIGGER ALL",
        "DROP TABLE evergrid.{table}",
    ],
    ids=lambda change: change.split()[0].lower(),
)
def test_no_program_changes_what_is_append_only(run, migrated, role, table, change):
    [(column,)] = migrated.superuser(
        "SELECT attname FROM pg_attribute WHERE attnum = 2 "
        f"AND attrelid = 'evergrid.{table}'::regclass"
    )
    with pytest.raises(REFUSED):
        run(role, change.format(table=table, column=column))


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_not_even_its_owner_changes_what_is_append_only(migrated, table):
    kinds = migrated.superuser(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O' "
        f"AND tgrelid = 'evergrid.{table}'::regclass "
        "AND tgfoid = 'evergrid.refuse_change'::regproc"
    )
    assert len(kinds) == 1


def test_no_table_that_is_append_only_is_missing_here(migrated):
    found = migrated.superuser(
        "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
        "WHERE NOT tgisinternal AND NOT relispartition "
        "AND tgfoid = 'evergrid.refuse_change'::regproc"
    )
    assert {table for (table,) in found} == set(APPEND_ONLY)


def test_what_programs_may_change_is_this_alone(migrated):
    """Of every table, every part of one, those that a later migration adds too."""
    changed = migrated.superuser(
        "SELECT role, privilege, relname, '*' FROM pg_class, "
        f"unnest(ARRAY['{API}', '{WORKER}', '{AUDIT}']) AS role, "
        "unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS privilege "
        "WHERE relnamespace = 'evergrid'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') "
        "AND has_table_privilege(role, pg_class.oid, privilege) "
        "UNION SELECT role, 'UPDATE', relname, attname FROM pg_class "
        "JOIN pg_attribute ON attrelid = pg_class.oid, "
        f"unnest(ARRAY['{API}', '{WORKER}', '{AUDIT}']) AS role "
        "WHERE relnamespace = 'evergrid'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') "
        "AND attnum > 0 AND NOT has_table_privilege(role, pg_class.oid, 'UPDATE') "
        "AND has_column_privilege(role, pg_class.oid, attnum, 'UPDATE')"
    )
    assert set(changed) == CHANGED


def test_no_program_is_more_than_its_grants_say(migrated):
    assert (
        migrated.superuser(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'evergrid\\_%' AND "
            "(rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication "
            f"OR (rolbypassrls AND rolname <> '{WORKER}'))"
        )
        == []
    )
    assert (
        migrated.superuser(
            "SELECT roleid::regrole, member::regrole FROM pg_auth_members "
            "WHERE member::regrole::text LIKE 'evergrid\\_%'"
        )
        == []
    )
    assert (
        migrated.superuser(
            "SELECT relname FROM pg_class WHERE relnamespace = 'evergrid'::regnamespace "
            f"AND relowner::regrole::text IN ('{API}', '{WORKER}', '{AUDIT}')"
        )
        == []
    )


@pytest.mark.parametrize("change", ["UPDATE {} SET kind = kind", "DELETE FROM {}"])
def test_the_owner_is_refused_a_change_of_the_staff_s_history(run, staff, change):
    with pytest.raises(psycopg2.errors.RestrictViolation):
        run("evergrid_owner", change.format("evergrid.staff_event"))


def test_the_history_of_the_staff_is_written_by_the_api_alone(run, staff):
    added = "INSERT INTO evergrid.staff_event (happened_at, kind) VALUES (now(), 'tested')"

    assert run(API, added.replace("now()", f"'{NOW}'")) == 1
    with pytest.raises(REFUSED):
        run(WORKER, added)
    with pytest.raises(REFUSED):
        run(AUDIT, added)
    assert run(AUDIT, "SELECT count(*) FROM evergrid.staff_event")[0][0] >= 2


def test_a_bureau_reads_the_history_of_its_own_staff_alone(run, staff):
    kinds = "SELECT DISTINCT bureau_id FROM evergrid.staff_event WHERE kind = 'fenced' ORDER BY 1"

    assert run(API, kinds, bureau="1") == [(1,)]
    assert run(API, kinds) == [(1,), (2,)]
    assert run(API, kinds, bureau="") == []
    run(API, "INSERT INTO evergrid.staff_event (happened_at, kind) "
             f"VALUES ('{NOW}', 'nobody'); COMMIT")  # fmt: skip
    nobodys = "SELECT count(*) FROM evergrid.staff_event WHERE kind = 'nobody'"
    assert run(API, nobodys, bureau="1") == [(0,)]
    assert run(API, nobodys) == [(1,)]


def test_nobody_writes_a_part_of_the_history_past_its_whole(run, migrated, staff):
    part = f"evergrid.staff_event_{NOW:%Y%m}"
    for statement in (f"DELETE FROM {part}", f"SELECT kind FROM {part}", f"DROP TABLE {part}"):
        with pytest.raises(REFUSED):
            run(API, statement)


@pytest.mark.parametrize("role", [WORKER, AUDIT])
@pytest.mark.parametrize("columns", ["password_hash", "principal_id", "count(*)"])
def test_who_verifies_no_password_reads_no_hash(run, staff, role, columns):
    with pytest.raises(REFUSED):
        run(role, f"SELECT {columns} FROM evergrid.staff_password")


def test_who_verifies_passwords_reads_their_hashes(run, staff):
    assert run(API, "SELECT count(*) FROM evergrid.staff_password")[0][0] >= 2
    with pytest.raises(REFUSED):
        run(API, "DELETE FROM evergrid.staff_password")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evergrid.principal SET role = 'administrator'",
        "UPDATE evergrid.principal SET bureau_id = NULL",
        "DELETE FROM evergrid.principal",
        "UPDATE evergrid.staff SET bureau_id = NULL",
        "UPDATE evergrid.staff SET oidc_subject = 'somebody else'",
        "UPDATE evergrid.api_token SET expires_at = 'infinity'",
        "UPDATE evergrid.api_token SET limited_to = NULL",
        "UPDATE evergrid.api_token SET revoked_at = NULL",
        "INSERT INTO evergrid.api_token VALUES (sha256('mine'), 1, now(), 'infinity')",
        "UPDATE evergrid.staff_session SET ends_at = 'infinity'",
        "UPDATE evergrid.staff_session SET principal_id = 1",
        "DELETE FROM evergrid.sign_in_failure",
    ],
)
def test_the_api_cannot_give_itself_more_than_it_has(run, staff, statement):
    with pytest.raises(REFUSED):
        run(API, statement)


def test_a_bureau_does_not_see_the_staff_of_another(run, staff):
    names = (
        "SELECT principal.name FROM evergrid.staff JOIN evergrid.principal USING (principal_id) "
        "WHERE principal.name LIKE 'fenced._' ORDER BY 1"
    )
    assert run(API, names, bureau="1") == [("fenced.1",)]
    assert run(API, names, bureau="2") == [("fenced.2",)]
    assert run(API, names) == [("fenced.1",), ("fenced.2",)]
    assert run(API, names, bureau="") == []


def test_a_bureau_does_not_touch_the_staff_of_another(run, staff):
    locked = "UPDATE evergrid.staff SET locked_at = now() WHERE bureau_id = 2"

    assert run(API, locked, bureau="1") == 0
    assert run(API, locked, bureau="2") >= 1


@pytest.mark.parametrize(
    "statement",
    [
        NEW_STAFF,
        NEW_EVENT,
    ],
    ids=["staff", "event"],
)
@pytest.mark.parametrize("bureau", [2, "NULL"])
def test_a_bureau_writes_nothing_into_another(run, staff, statement, bureau):
    with pytest.raises(REFUSED):
        run(API, statement.format(bureau), bureau="1")


@pytest.mark.parametrize(
    "table",
    ["account", "meter", "reading", "bill", "payment", "allocation", "journal", "ledger_entry",
     "receivable", "prepayment_lot", "bill_run", "staff", "bill_cancellation",
     "bill_cancellation_event", "reading_correction", "reading_correction_event",
     "superseding_reading", "reading_in_force", "reading_estimate", "reading_finding",
     "reading_finding_acceptance", "reading_finding_now", "reading_section", "reading_route",
     "reading_stop", "reading_plan", "reading_plan_assignment", "reading_plan_stop",
     "reading_plan_now", "bill_run_sample", "bill_run_decision", "bill_run_now",
     "energy_correction", "energy_correction_bill", "energy_correction_event"],
)  # fmt: skip
def test_whoever_says_no_bureau_sees_nothing(run, migrated, business, staff, table):
    assert migrated.superuser(f"SELECT count(*) FROM evergrid.{table}")[0][0] > 0
    assert run(API, f"SELECT count(*) FROM evergrid.{table}", bureau="") == [(0,)]
