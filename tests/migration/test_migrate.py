"""The schema moves forward one file at a time, or not at all."""

from __future__ import annotations

import itertools
import re
import threading
from contextlib import closing
from importlib import resources

import psycopg2
import pytest

from service.store import migrate, queries
from service.store.migrate import Migration, MigrationRefused

PRE = frozenset({"pre"})
BOTH = frozenset({"pre", "post"})
NAMES = (f"migration_{n}" for n in itertools.count(1))
QUERIES = [
    (file.name.removesuffix(".sql"), name)
    for file in sorted((resources.files("service.store") / "sql").iterdir(), key=str)
    for name in queries.parse(file.name.removesuffix(".sql"), file.read_text())
]


@pytest.fixture
def empty(server):
    """The address of an empty database of our own."""
    name = next(NAMES)
    server.superuser(f"CREATE DATABASE {name} OWNER evergrid_owner", "postgres")
    yield server.dsn("evergrid_owner", name)
    server.superuser(f"DROP DATABASE {name} WITH (FORCE)", "postgres")


def pre(number: int, sql: str) -> Migration:
    return Migration(f"{number:04}_pre_thing.sql", "pre", sql)


def tables(dsn: str) -> list[str]:
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'thing%' AND relkind = 'r' ORDER BY 1"
        )
        found = [row[0] for row in cursor.fetchall()]
    connection.close()
    return found


def test_a_second_run_finds_nothing_to_do(empty):
    first = migrate.migrate(dsn=empty, migrations=migrate.in_order(), phases=BOTH)
    second = migrate.migrate(dsn=empty, migrations=migrate.in_order(), phases=BOTH)

    assert first == [migration.name for migration in migrate.in_order()]
    assert second == []


def test_the_pre_phase_stops_before_the_first_post_file(empty):
    files = [
        pre(1, "CREATE TABLE thing1 ()"),
        Migration("0002_post_x.sql", "post", "DROP TABLE thing1"),
    ]

    assert migrate.migrate(dsn=empty, migrations=files, phases=PRE) == ["0001_pre_thing.sql"]
    assert tables(empty) == ["thing1"]
    migrate.migrate(dsn=empty, migrations=files, phases=BOTH)
    assert tables(empty) == []


def test_what_new_code_needs_is_never_left_out_behind_an_upgrade_not_finished(empty):
    files = [
        pre(1, "CREATE TABLE thing1 ()"),
        Migration("0002_post_x.sql", "post", "DROP TABLE thing1"),
        pre(3, "CREATE TABLE thing3 ()"),
    ]

    with pytest.raises(MigrationRefused, match=r"0003_pre_thing\.sql stands behind 0002_post_x"):
        migrate.migrate(dsn=empty, migrations=files, phases=PRE)
    assert migrate.migrate(dsn=empty, migrations=files[:2], phases=frozenset({"post"})) == [
        "0002_post_x.sql"
    ]
    assert migrate.migrate(dsn=empty, migrations=files, phases=PRE) == ["0003_pre_thing.sql"]
    assert tables(empty) == ["thing3"]


def test_an_edited_migration_is_refused(empty):
    migrate.migrate(dsn=empty, migrations=[pre(1, "CREATE TABLE thing1 ()")], phases=BOTH)

    with pytest.raises(MigrationRefused, match="edited"):
        migrate.migrate(dsn=empty, migrations=[pre(1, "CREATE TABLE thing1 (n int)")], phases=BOTH)


def test_a_file_that_fails_leaves_nothing_of_itself(empty):
    files = [pre(1, "CREATE TABLE thing1 ()"), pre(2, "CREATE TABLE thing2 (); SELECT 1 / 0")]

    with pytest.raises(psycopg2.Error, match="zero"):
        migrate.migrate(dsn=empty, migrations=files, phases=BOTH)
    assert tables(empty) == ["thing1"]


def test_a_lock_that_is_not_to_be_had_is_given_up(empty, monkeypatch):
    monkeypatch.setattr(migrate, "_LIMITS", migrate._LIMITS.replace("'4s'", "'200ms'"))
    migrate.migrate(dsn=empty, migrations=[pre(1, "CREATE TABLE thing1 ()")], phases=BOTH)
    holder = psycopg2.connect(empty)
    holder.cursor().execute("LOCK TABLE thing1")
    try:
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            migrate.migrate(
                dsn=empty,
                migrations=[
                    pre(1, "CREATE TABLE thing1 ()"),
                    pre(2, "ALTER TABLE thing1 ADD n int"),
                ],
                phases=BOTH,
            )
    finally:
        holder.close()


def test_two_migrators_at_once_apply_each_file_once(empty):
    files = [pre(n, f"CREATE TABLE thing{n} ()") for n in range(1, 6)]
    applied: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: applied.extend(migrate.migrate(dsn=empty, migrations=files, phases=BOTH))
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(applied) == [migration.name for migration in files]


def test_a_replica_is_refused(empty, monkeypatch):
    # A real replica is at work in the drills; here the answer of the server is all that matters.
    replica = "SELECT true"
    connection = psycopg2.connect(empty)
    cursor = connection.cursor()
    monkeypatch.setattr(migrate, "on_primary", lambda _dsn, work: work(connection))
    cursor.execute(
        "CREATE FUNCTION public.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS $$ "
        + replica
        + " $$"
    )
    cursor.execute("SET search_path = public, pg_catalog")

    with pytest.raises(MigrationRefused, match="replica"):
        migrate.migrate(dsn=empty, migrations=[], phases=BOTH)


@pytest.mark.parametrize(
    "names", [["0002_pre_a.sql"], ["0001_pre_a.sql", "0003_pre_b.sql"], ["0001_a.sql"]]
)
def test_numbers_run_without_a_gap_and_name_their_phase(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("SELECT 1")

    with pytest.raises(MigrationRefused, match="expected"):
        migrate.in_order(tmp_path)


@pytest.mark.parametrize(("noun", "name"), QUERIES)
def test_postgres_accepts_every_query_and_knows_the_type_of_each_parameter(migrated, noun, name):
    statement = queries.load(noun)[name]
    connection = psycopg2.connect(migrated.dsn("postgres"))
    with connection.cursor() as cursor:
        cursor.execute(statement.prepare)
        cursor.execute(
            "SELECT parameter_types::text FROM pg_prepared_statements WHERE name = %s",
            (statement.name,),
        )
        types = cursor.fetchone()[0]
    connection.close()

    assert "unknown" not in types
    assert not re.search(r"%\(", statement.prepare)


READS = [
    (noun, name)
    for noun, name in QUERIES
    if re.match(r"(SELECT|WITH)\b", queries.load(noun)[name].prepare.partition(" AS ")[2])
    and not re.search(r"\b(INSERT|UPDATE|DELETE|DROP)\b", queries.load(noun)[name].prepare)
]


@pytest.mark.parametrize(("noun", "name"), READS)
def test_postgres_accepts_every_query_together_with_the_position(migrated, noun, name):
    asked = queries.load(noun)[name]
    connection = psycopg2.connect(migrated.dsn("postgres"))
    with connection.cursor() as cursor:
        cursor.execute(queries.telling(asked).prepare)
        cursor.execute("SELECT name FROM pg_prepared_statements")
        [(prepared,)] = cursor.fetchall()
    connection.close()

    assert prepared == f"{asked.name}__telling"  # PostgreSQL cuts longer names off


# What the version before limits and staff asks of the tables that they changed.
BEFORE_LIMITS = [
    "INSERT INTO evergrid.principal (name, role, bureau_id) VALUES ('before', 'channel', NULL)",
    """INSERT INTO evergrid.api_token (token_sha256, principal_id, issued_at, expires_at)
       SELECT sha256('before'), principal_id, now(), now() + interval '1 day'
         FROM evergrid.principal WHERE name = 'before'""",
    """UPDATE evergrid.api_token SET revoked_at = now()
        WHERE token_sha256 = sha256('before') AND revoked_at IS NULL""",
]
ISSUED_BEFORE = """
SELECT principal.name, api_token.revoked_at IS NULL
  FROM evergrid.api_token
  JOIN evergrid.principal USING (principal_id)
 WHERE api_token.token_sha256 = sha256('before')
"""


@pytest.mark.parametrize("written_before", [0, 1, 2])
def test_limits_and_staff_are_added_beside_the_version_before(empty, written_before):
    files = migrate.in_order()
    migrate.migrate(dsn=empty, migrations=files[:7], phases=BOTH)
    connection = psycopg2.connect(empty)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in BEFORE_LIMITS[:written_before]:
            cursor.execute(statement)
        applied = migrate.migrate(dsn=empty, migrations=files[:9], phases=frozenset({"pre"}))
        for statement in BEFORE_LIMITS[written_before:2]:
            cursor.execute(statement)
        cursor.execute(ISSUED_BEFORE)
        assert cursor.fetchall() == [("before", True)]
        cursor.execute("SELECT limited_to, last_used_at FROM evergrid.api_token")
        assert cursor.fetchall() == [(None, None)]
        cursor.execute(BEFORE_LIMITS[2])
        cursor.execute(ISSUED_BEFORE)
        assert cursor.fetchall() == [("before", False)]
    connection.close()

    assert applied == ["0008_pre_token_limits.sql", "0009_pre_staff.sql"]


@pytest.mark.parametrize("function", ["cancel_bill", "correct_reading"])
def test_nothing_is_taken_back_before_every_worker_knows_of_it(empty, function):
    """A worker of the release before takes a mirror for the newest bill, a reading as it was."""
    files = migrate.in_order()
    migrate.migrate(dsn=empty, migrations=files[:16], phases=frozenset({"pre"}))
    connection = psycopg2.connect(empty)
    connection.autocommit = True

    def may_call():
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT has_function_privilege('evergrid_api', 'evergrid.{function}(bigint, "
                "integer, timestamptz)', 'EXECUTE')"
            )
            return cursor.fetchone()[0]

    assert not may_call()
    migrate.migrate(dsn=empty, migrations=files[:16], phases=BOTH)
    assert may_call()
    connection.close()


@pytest.mark.parametrize(("deadlocks", "is_done"), [(0, True), (5, True), (6, False)])
def test_the_victim_of_a_deadlock_tries_again(empty, deadlocks, is_done):
    connection = psycopg2.connect(empty)
    left = [psycopg2.errors.DeadlockDetected("deadlock detected")] * deadlocks

    def step():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")  # refused in a transaction that was not rolled back
        if left:
            with pytest.raises(psycopg2.Error), connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
            raise left.pop()

    if is_done:
        migrate._until_no_deadlock(connection, step)
    else:
        with pytest.raises(psycopg2.errors.DeadlockDetected):
            migrate._until_no_deadlock(connection, step)
    connection.close()
    assert left == []


def test_a_migration_whose_connection_is_cut_goes_on_over_another(empty, server):
    """As the load balancer beside it does, some seconds after its reload."""
    slow = "CREATE TABLE thing2 (); SELECT pg_sleep(0.3)"
    cut = []

    def cutting():
        while not cut:
            cut.extend(
                server.superuser(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE '%pg_sleep(0.3)%' AND usename = 'evergrid_owner'"
                )
            )

    thread = threading.Thread(target=cutting)
    thread.start()
    applied = migrate.migrate(
        dsn=empty, migrations=[pre(1, "CREATE TABLE thing1 ()"), pre(2, slow)], phases=PRE
    )
    thread.join()
    assert cut
    assert applied == ["0001_pre_thing.sql", "0002_pre_thing.sql"]
    assert tables(empty) == ["thing1", "thing2"]


def test_no_run_is_of_one_section_before_every_worker_knows_of_sections(empty):
    def start():
        with closing(psycopg2.connect(empty)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO evergrid.bureau VALUES (1, 'One'); "
                "INSERT INTO evergrid.principal (name, role) VALUES ('somebody', 'auditor'); "
                "INSERT INTO evergrid.reading_section (bureau_id, name, principal_id, added_at) "
                "SELECT 1, 'North', principal_id, now() FROM evergrid.principal; "
                "INSERT INTO evergrid.bill_run (bureau_id, month, reading_section_id, "
                "principal_id, requested_at) "
                "SELECT 1, '2026-03-01', reading_section_id, principal_id, now() "
                "FROM evergrid.reading_section"
            )

    knowing = [each.name for each in migrate.in_order()].index("0020_post_sections_of_runs.sql")
    migrate.migrate(dsn=empty, migrations=migrate.in_order()[:knowing], phases=BOTH)
    with pytest.raises(psycopg2.errors.CheckViolation, match="bill_run_is_of_all"):
        start()
    migrate.migrate(dsn=empty, migrations=migrate.in_order(), phases=BOTH)
    start()
