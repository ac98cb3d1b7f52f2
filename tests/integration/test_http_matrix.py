"""The authorisation matrix, cell by cell: every role, every operation, whose bureau."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from falcon.testing import TestClient

from service.api.app import BUSINESS, IDENTITY, PROBES, create_app
from service.api.operations import of
from service.domain import access_tokens, tokens
from service.domain.idempotency import Once
from service.domain.permissions import OPERATIONS
from service.domain.principals import Role
from tests.conftest import NOW
from tests.integration import (
    cancellations,
    closings,
    corrections,
    energy_corrections,
    findings,
    proposals,
    runs,
    sections,
    sign_ins,
    supplies,
)
from tests.integration.utilities import FEBRUARY, MARCH, Utility

HEAD, OFFICER, CLERK = Role.HEAD_OFFICE, Role.BILLING_OFFICER, Role.HALL_CLERK
READER, CHANNEL, AUDITOR, MIGRATOR = Role.READER, Role.CHANNEL, Role.AUDITOR, Role.DATA_MIGRATOR
ADMINISTRATOR = Role.ADMINISTRATOR
PASSWORD = "the password of the matrix"
SERIALS = itertools.count(1)
# One for each cell that speaks of cancellations, which nobody has asked to cancel before.
_BILLS_TO_CANCEL = 150
# The same for corrections of energy.
_BILLS_TO_CORRECT = 120
# The same for corrections of readings, and findings about them, none of which is billed.
_READINGS_TO_CORRECT = 250
# The same for estimates, which nobody has made before.
_MONTHS_TO_ESTIMATE = 60
# The same for accounts that are closed.
_ACCOUNTS_TO_CLOSE = 40
# A principal of the bureau that is asked about, one of its neighbour, one that serves every bureau.
OWN, OTHER, EVERY = "own", "other", "every"
OFFICES = {OFFICER, HEAD}
CUSTOMERS = OFFICES | {CLERK, READER, CHANNEL, AUDITOR}
EVERYBODY = set(Role)
# In the bureau that they belong to, and in no other way.
ONE_BUREAU_ONLY = {CLERK, READER}


@dataclass(frozen=True)
class Row:
    """
    One operation: who may, what it is asked, what a neighbour is told.

    Written out by hand on purpose: a slip in `permissions.OPERATIONS` must not be its own proof.
    Whoever is in `may`, but not in `every`, may only as somebody of a bureau.
    """

    may: set[Role]
    neighbour: str | None  # the code of the refusal; None where there is nothing of a bureau in it
    status: int = 200
    every: set[Role] | None = None
    body: dict = field(default_factory=dict)
    query: str = ""
    is_central: bool = False  # for whoever serves every bureau, and belongs to none
    counts: str = ""  # where the answer says how much was seen or done


def row(may, neighbour, status=200, *, every=None, **more):
    return Row(may, neighbour, status, may - ONE_BUREAU_ONLY if every is None else every, **more)


MATRIX = {
    "POST /v1/account-imports": row({MIGRATOR}, None, counts="accepted"),
    "GET /v1/accounts": row(CUSTOMERS | {MIGRATOR}, None, query="?phone={phone}", counts="items"),
    "GET /v1/accounts/{account_no}": row(CUSTOMERS | {MIGRATOR}, "ACCOUNT_UNKNOWN"),
    "GET /v1/accounts/{account_no}/bills": row(CUSTOMERS, "ACCOUNT_UNKNOWN"),
    "GET /v1/accounts/{account_no}/estimates": row(
        {CLERK, READER, AUDITOR} | OFFICES, "ACCOUNT_UNKNOWN"
    ),
    "POST /v1/accounts/{account_no}/estimates": row(
        OFFICES,
        "ACCOUNT_UNKNOWN",
        201,
        body={"month": "2026-03", "reason": "no. {serial}"},
    ),
    "GET /v1/accounts/{account_no}/equipment": row(CUSTOMERS | {MIGRATOR}, "ACCOUNT_UNKNOWN"),
    "POST /v1/accounts/{account_no}/equipment": row(
        OFFICES | {MIGRATOR},
        "ACCOUNT_UNKNOWN",
        201,
        body={
            "equipment_no": "X-{serial}",
            "kind": "motor",
            "capacity_kva": "200",
            "runs_from": "2026-06-01",
            "document_no": "W-{serial}",
        },
    ),
    "POST /v1/accounts/{account_no}/equipment/{equipment_no}/changes": row(
        OFFICES | {MIGRATOR},
        "ACCOUNT_UNKNOWN",
        201,
        body={"from_day": "2026-06-01", "condition": "suspended", "document_no": "W-{serial}"},
    ),
    "GET /v1/accounts/{account_no}/apportionments": row(CUSTOMERS | {MIGRATOR}, "ACCOUNT_UNKNOWN"),
    "POST /v1/accounts/{account_no}/apportionments": row(
        OFFICES | {MIGRATOR},
        "ACCOUNT_UNKNOWN",
        201,
        body={
            "from_month": "{month}",
            "document_no": "C-{serial}",
            "parts": [
                {
                    "category": "agricultural",
                    "share_hundredths_percent": 2000,
                    "participation": "neither",
                }
            ],
        },
    ),
    "GET /v1/accounts/{account_no}/supply-terms": row(CUSTOMERS | {MIGRATOR}, "ACCOUNT_UNKNOWN"),
    "POST /v1/accounts/{account_no}/supply-terms": row(
        OFFICES | {MIGRATOR},
        "ACCOUNT_UNKNOWN",
        201,
        body={"from_month": "{month}", "basic_mode": "capacity", "document_no": "C-{serial}"},
    ),
    "GET /v1/accounts/{account_no}/household-terms": row(CUSTOMERS | {MIGRATOR}, "ACCOUNT_UNKNOWN"),
    "POST /v1/accounts/{account_no}/household-terms": row(
        {CLERK, MIGRATOR},
        "ACCOUNT_UNKNOWN",
        201,
        body={"from_month": "{month}", "persons": 5, "document_no": "R-{serial}"},
    ),
    "GET /v1/accounts/{account_no}/meters": row(
        {CLERK, READER, AUDITOR} | OFFICES, "ACCOUNT_UNKNOWN"
    ),
    "POST /v1/accounts/{account_no}/meters": row(
        {OFFICER},
        "ACCOUNT_UNKNOWN",
        201,
        body={
            "exchanged_at": "{exchanged_at}",
            "final_register": "{register}",
            "meter": {
                "asset_no": "X-{bureau}-{serial}",
                "digits": 6,
                "decimals": 2,
                "multiplier": "1",
                "initial_register": "0",
            },
            "work_order_no": "W-{serial}",
            "reason": "no. {serial}",
        },
    ),
    "GET /v1/accounts/{account_no}/statement": row(CUSTOMERS - {READER}, "ACCOUNT_UNKNOWN"),
    "GET /v1/accounts/{account_no}/readings": row(
        {CLERK, READER, AUDITOR} | OFFICES, "ACCOUNT_UNKNOWN"
    ),
    "GET /v1/reading-corrections": row(
        {READER, AUDITOR} | OFFICES, None, query="?limit=1", counts="items"
    ),
    "POST /v1/reading-corrections": row(
        {READER, OFFICER},
        "READING_UNKNOWN",
        201,
        body={
            "account_no": "{misread_no}",
            "read_at": "{misread_at}",
            "register": "90",
            "reason": "no. {serial}",
        },
    ),
    "GET /v1/reading-corrections/{correction_no}": row(
        {READER, AUDITOR} | OFFICES, "READING_CORRECTION_UNKNOWN"
    ),
    "POST /v1/reading-corrections/{correction_no}/approvals": row(
        OFFICES, "READING_CORRECTION_UNKNOWN"
    ),
    "POST /v1/reading-corrections/{correction_no}/rejections": row(
        OFFICES, "READING_CORRECTION_UNKNOWN", body={"reason": "no. {serial}"}
    ),
    "GET /v1/reading-findings": row(
        {READER, AUDITOR} | OFFICES, None, query="?limit=1", counts="items"
    ),
    "GET /v1/reading-findings/{finding_no}": row(
        {READER, AUDITOR} | OFFICES, "READING_FINDING_UNKNOWN"
    ),
    "POST /v1/reading-findings/{finding_no}/acceptances": row(
        OFFICES, "READING_FINDING_UNKNOWN", body={"reason": "no. {serial}"}
    ),
    "GET /v1/reading-sections": row(
        {READER, AUDITOR} | OFFICES, None, query="?limit=1", counts="items"
    ),
    "POST /v1/reading-sections": row(
        OFFICES, "BUREAU_UNKNOWN", 201, body={"bureau": "{bureau}", "name": "Section {serial}"}
    ),
    "GET /v1/reading-sections/{section_no}": row(
        {READER, AUDITOR} | OFFICES, "READING_SECTION_UNKNOWN"
    ),
    "POST /v1/reading-sections/{section_no}/routes": row(
        OFFICES,
        "READING_SECTION_UNKNOWN",
        201,
        body={"from_month": "2026-05", "example_day": 5, "account_nos": []},
    ),
    "GET /v1/reading-plans": row(
        {READER, AUDITOR} | OFFICES, None, query="?limit=1", counts="items"
    ),
    "POST /v1/reading-plans": row(
        OFFICES, "BUREAU_UNKNOWN", 201, body={"month": "2026-04", "bureau": "{bureau}"}
    ),
    "GET /v1/reading-plans/{plan_no}": row({READER, AUDITOR} | OFFICES, "READING_PLAN_UNKNOWN"),
    "POST /v1/reading-plans/{plan_no}/assignments": row(
        OFFICES, "READING_PLAN_UNKNOWN", 201, body={"reader": "{user_name}"}
    ),
    "POST /v1/reading-files": row({READER, MIGRATOR}, None, counts="accepted"),
    "POST /v1/readings": row(
        {READER, MIGRATOR},
        None,
        counts="accepted",
        body={
            "readings": [
                {
                    "account_no": "{account_no}",
                    "register": "{register}",
                    "read_at": "{read_at}",
                    "source": "manual",
                }
            ]
        },
    ),
    "GET /v1/prices": row(CUSTOMERS | {MIGRATOR}, None, query="?on=2026-04-01"),
    "POST /v1/bill-calculations": row(
        CUSTOMERS | {MIGRATOR},
        None,
        body={
            "tariffs": {"flat": {"prices": [{"component": "energy", "price_yuan": "0.5"}]}},
            "spells": [{"tariff": "flat", "days": 30}],
            "energy": {"flat": 100},
        },
    ),
    "GET /v1/price-proposals": row(OFFICES | {AUDITOR}, None),
    "POST /v1/price-proposals": row(
        {HEAD},
        None,
        201,
        is_central=True,
        body={
            "category": "residential",
            "legal_document": "Order {serial}",
            "valid_from": "{day}",
            "prices": [{"component": "energy", "price_yuan": "0.5"}],
        },
    ),
    "GET /v1/price-proposals/{proposal_no}": row(OFFICES | {AUDITOR}, None),
    "POST /v1/price-proposals/{proposal_no}/tests": row({HEAD, OFFICER}, None, is_central=True),
    "POST /v1/price-proposals/{proposal_no}/approvals": row({HEAD}, None, is_central=True),
    "POST /v1/price-proposals/{proposal_no}/rejections": row(
        {HEAD}, None, is_central=True, body={"reason": "no. {serial}"}
    ),
    "POST /v1/price-proposals/{proposal_no}/publications": row({HEAD}, None, is_central=True),
    "POST /v1/bill-runs": row(
        OFFICES, "BUREAU_UNKNOWN", 202, body={"month": "2026-02", "bureau": "{bureau}"}
    ),
    "GET /v1/bill-runs": row(OFFICES | {AUDITOR}, None, query="?limit=1", counts="items"),
    "GET /v1/bill-runs/{bill_run_id}": row(OFFICES | {AUDITOR}, "BILL_RUN_UNKNOWN"),
    "GET /v1/bill-runs/{bill_run_id}/samples": row(OFFICES | {AUDITOR}, "BILL_RUN_UNKNOWN"),
    "POST /v1/bill-runs/{bill_run_id}/approvals": row(
        OFFICES,
        "BILL_RUN_UNKNOWN",
        body=runs.SUMS | {"sample_result": "as billed. {serial}"},
    ),
    "POST /v1/bill-runs/{bill_run_id}/rejections": row(
        OFFICES, "BILL_RUN_UNKNOWN", body={"reason": "no. {serial}"}
    ),
    "GET /v1/bills/{bill_no}": row(CUSTOMERS, "BILL_UNKNOWN"),
    "GET /v1/bills/{bill_no}/document": row(CUSTOMERS, "BILL_UNKNOWN"),
    "GET /v1/bill-cancellations": row(OFFICES | {AUDITOR}, None, query="?limit=1", counts="items"),
    "POST /v1/bill-cancellations": row(
        {OFFICER},
        "BILL_UNKNOWN",
        201,
        body={"bill_no": "{wrong_bill_no}", "reason": "no. {serial}"},
    ),
    "GET /v1/bill-cancellations/{cancellation_no}": row(
        OFFICES | {AUDITOR}, "BILL_CANCELLATION_UNKNOWN"
    ),
    "POST /v1/bill-cancellations/{cancellation_no}/approvals": row(
        OFFICES, "BILL_CANCELLATION_UNKNOWN"
    ),
    "POST /v1/bill-cancellations/{cancellation_no}/rejections": row(
        OFFICES, "BILL_CANCELLATION_UNKNOWN", body={"reason": "no. {serial}"}
    ),
    "GET /v1/accounts/{account_no}/closing": row(CUSTOMERS | {MIGRATOR}, "ACCOUNT_UNKNOWN"),
    "POST /v1/accounts/{account_no}/closing": row(
        {OFFICER},
        "ACCOUNT_UNKNOWN",
        201,
        body={
            "closed_at": "{read_at}",
            "final_register": "{register}",
            "work_order_no": "W {serial}",
            "reason": "no. {serial}",
        },
    ),
    "GET /v1/energy-corrections": row(OFFICES | {AUDITOR}, None, query="?limit=1", counts="items"),
    "POST /v1/energy-corrections": row(
        {OFFICER},
        "ACCOUNT_UNKNOWN",
        201,
        body={
            "account_no": "{miscounted_no}",
            "since": "2026-02-02",
            "until": "2026-02-20",
            "wiring_factor": "1.{serial}",
            "reason": "no. {serial}",
        },
    ),
    "GET /v1/energy-corrections/{energy_correction_no}": row(
        OFFICES | {AUDITOR}, "ENERGY_CORRECTION_UNKNOWN"
    ),
    "POST /v1/energy-corrections/{energy_correction_no}/approvals": row(
        OFFICES, "ENERGY_CORRECTION_UNKNOWN"
    ),
    "POST /v1/energy-corrections/{energy_correction_no}/rejections": row(
        OFFICES, "ENERGY_CORRECTION_UNKNOWN", body={"reason": "no. {serial}"}
    ),
    "POST /v1/energy-corrections/{energy_correction_no}/reversals": row(
        {OFFICER}, "ENERGY_CORRECTION_UNKNOWN", 201, body={"reason": "no. {serial}"}
    ),
    "POST /v1/payments": row(
        {CLERK, CHANNEL},
        "ACCOUNT_UNKNOWN",
        201,
        body={
            "account_no": "{account_no}",
            "amount_fen": 1,
            "channel": "{channel}",
            "channel_serial": "M-{serial}",
        },
    ),
    "GET /v1/payments/{payment_no}": row(CUSTOMERS - {READER}, "PAYMENT_UNKNOWN"),
    "DELETE /v1/sessions/current": row(EVERYBODY, None, every=EVERYBODY),
    "POST /v1/sessions/current/renewals": row(EVERYBODY, None, 201, every=EVERYBODY),
    "POST /v1/password-changes": row(
        EVERYBODY,
        None,
        every=EVERYBODY,
        body={"current_password": PASSWORD, "new_password": "another one {serial}"},
    ),
    "GET /v1/staff": row({ADMINISTRATOR, AUDITOR}, None, query="?limit=100"),
    "POST /v1/staff": row(
        {ADMINISTRATOR},
        "BUREAU_UNKNOWN",
        201,
        body={
            "user_name": "matrix.{serial}",
            "full_name": "李明",
            "role": "reader",
            "bureau": "{bureau}",
            "password": PASSWORD,
        },
    ),
    "GET /v1/staff-events": row({ADMINISTRATOR, AUDITOR}, None, query="?limit=100"),
    "GET /v1/staff/{user_name}": row({ADMINISTRATOR, AUDITOR}, "STAFF_UNKNOWN"),
    "POST /v1/staff/{user_name}/locks": row({ADMINISTRATOR}, "STAFF_UNKNOWN"),
    "POST /v1/staff/{user_name}/unlocks": row({ADMINISTRATOR}, "STAFF_UNKNOWN"),
    "POST /v1/staff/{user_name}/password-resets": row(
        {ADMINISTRATOR}, "STAFF_UNKNOWN", body={"password": "another one {serial}"}
    ),
}
# What a price proposal must have come to before a step of it.
PROPOSED = {
    "/v1/price-proposals/{proposal_no}/approvals": ("tested",),
    "/v1/price-proposals/{proposal_no}/publications": ("tested", "approved"),
}
# Who signs in is nobody yet; probes say nothing of the business.
NOBODY_NEEDED = {"POST /v1/sessions", "POST /v1/sessions/oidc", *(f"GET {path}" for path in PROBES)}


def routes():
    for template, resource in {**BUSINESS, **IDENTITY, **PROBES}.items():
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(resource, f"on_{method}"):
                yield f"{method.upper()} {template.replace(':int', '')}"


def promised(route):
    method, template = route.split()
    for path, resource in {**BUSINESS, **IDENTITY, **PROBES}.items():
        if path.replace(":int", "") == template:
            return of(getattr(resource, f"on_{method.lower()}"))
    raise LookupError(route)


def test_every_route_is_in_the_matrix_or_needs_nobody():
    assert set(routes()) == set(MATRIX) | NOBODY_NEEDED


@pytest.mark.parametrize("route", sorted(NOBODY_NEEDED))
def test_what_needs_nobody_promises_so(route):
    assert promised(route).permission is None


@pytest.mark.parametrize("route", MATRIX)
def test_the_code_s_matrix_is_the_one_written_here(route):
    reaches = OPERATIONS[promised(route).permission]
    assert set(reaches) == MATRIX[route].may
    every = {role for role, reach in reaches.items() if reach != "own bureau"}
    assert every == MATRIX[route].every
    central = {role for role, reach in reaches.items() if reach == "every bureau at once"}
    assert central == (MATRIX[route].may if MATRIX[route].is_central else set())


@pytest.fixture(scope="module")
def home(migrated, database, worker_database, caller):
    """The bureau that is asked about: an account with a bill and a payment, a person."""
    keys = itertools.count(1)
    utility = Utility(
        migrated.superuser,
        database,
        worker_database,
        caller,
        lambda: Once(f"matrix-{next(keys)}", b"\0" * 32),
        NOW,
    )
    [account_no] = utility.open_accounts()
    utility.read([account_no], "100")
    run = utility.bill()
    phone = f"1399{utility.bureau:07}"
    utility.query(f"UPDATE evergrid.account SET phone = '{phone}' WHERE bureau_id = {{bureau}}")
    others = utility.open_accounts(_BILLS_TO_CANCEL)
    miscounted = utility.open_accounts(_BILLS_TO_CORRECT)
    utility.read([*others, *miscounted], "100")
    utility.bill()
    misread = utility.open_accounts(_READINGS_TO_CORRECT)
    utility.read(misread, "100", month=MARCH)  # which no cell bills
    unread = utility.open_accounts(_MONTHS_TO_ESTIMATE)
    findings.history(migrated.superuser, unread)
    [factory_no] = utility.open_accounts(category="industrial")
    closed_no, *closing = utility.open_accounts(_ACCOUNTS_TO_CLOSE)
    closings.close(utility, closed_no)
    section_no = sections.add(migrated.superuser, utility.bureau, "of the matrix")
    return SimpleNamespace(
        utility=utility,
        bureau=utility.bureau,
        account_no=account_no,
        factory_no=factory_no,
        phone=phone,
        bill_run_id=run.bill_run_id,
        plan_no=sections.plan(migrated.superuser, section_no, account_no),
        bill_no=utility.bills(account_no).items[0].bill_no,
        payment_no=utility.pay(account_no, 500),
        user_name=f"somebody.of.{utility.bureau}",
        wrong_bill_nos=(utility.bills(other).items[0].bill_no for other in others),
        miscounted_nos=iter(miscounted),
        misread_nos=iter(misread),
        unread_nos=iter(unread),
        closed_no=closed_no,
        closing_nos=iter(closing),
        misread_at=(MARCH.ends_at - timedelta(hours=4)).isoformat(),
    )


@pytest.fixture(scope="module")
def person(migrated, home):
    """People of every role: their principal, their living session. Made once, asked for often."""
    migrated.superuser(
        "INSERT INTO evergrid.bureau VALUES (29, 'Neighbour') ON CONFLICT DO NOTHING"
    )
    password_hash = sign_ins.IDENTITY.hashing.hash(PASSWORD)
    bureaus = {OWN: home.bureau, OTHER: 29, EVERY: None}

    def add(name, role, bureau):
        bureau = "NULL" if bureau is None else bureau
        [(principal_id,)] = migrated.superuser(
            f"INSERT INTO evergrid.principal (name, role, bureau_id) "
            f"VALUES ('{name}', '{role}', {bureau}) RETURNING principal_id"
        )
        migrated.superuser(
            "INSERT INTO evergrid.staff (principal_id, bureau_id, full_name, created_at, "
            f"must_change_password) VALUES ({principal_id}, {bureau}, 'Li', '{NOW}', false)"
        )
        migrated.superuser(
            "INSERT INTO evergrid.staff_password "
            f"VALUES ({principal_id}, '{password_hash}', '{NOW}')"
        )
        return principal_id

    add(home.user_name, "reader", home.bureau)
    people = {
        (role, whose): add(f"{role}.{whose}.{home.bureau}".replace("_", "."), role, bureau)
        for role in Role
        for whose, bureau in bureaus.items()
    }

    def token(role, whose):
        session_id = f"{next(SERIALS):032x}"
        migrated.superuser(
            "INSERT INTO evergrid.staff_session VALUES "
            f"('{session_id}', {people[role, whose]}, '{NOW}', '{NOW + timedelta(hours=9)}', "
            "NULL, false); UPDATE evergrid.staff_password SET password_hash = "
            f"'{password_hash}' WHERE principal_id = {people[role, whose]}"
        )
        signed, _ = access_tokens.signed(
            session_id=session_id, now=NOW, ends_at=NOW + timedelta(hours=9), keys=sign_ins.KEYS
        )
        return signed

    return token


@pytest.fixture(scope="module")
def app(database):
    return create_app(
        database=database, identity=sign_ins.IDENTITY, clock=lambda: NOW, deadline_s=20,
        host="app1", version="1",
    )  # fmt: skip


def _account_no(home, method, template):
    """Return an account that can be asked about: not every one has what a route is about."""
    if "/closing" in template:
        return home.closed_no if method == "GET" else next(home.closing_nos)
    if "/estimates" in template:
        return next(home.unread_nos)
    is_about_supply = any(
        each in template for each in ("equipment", "supply-terms", "apportionments")
    )
    return home.factory_no if is_about_supply else home.account_no


def _energy_correction_no(home, account_no, template):
    """Return a correction of an account's energy that can still take the step of a route."""
    if "{energy_correction_no}" not in template:
        return None
    is_approved = template.endswith("/reversals")
    return energy_corrections.ask(home.utility, account_no, is_approved=is_approved)


@pytest.fixture
def ask(app, home, person, migrated, new_account):
    """Ask what a row says, as a role of one of the bureaus."""

    def asked(route, role, whose):
        method, template = route.split()
        serial = next(SERIALS)
        wrong_bill_no = next(home.wrong_bill_nos) if "bill-cancellations" in template else None
        is_about_reading = "reading-corrections" in template or "reading-findings" in template
        misread_no = next(home.misread_nos) if is_about_reading else None
        is_about_energy = "energy-corrections" in template
        miscounted_no = next(home.miscounted_nos) if is_about_energy else None
        values = vars(home) | {
            "equipment_no": supplies.install(migrated.superuser, home.factory_no)
            if "{equipment_no}" in template
            else None,
            "serial": serial,
            "exchanged_at": (FEBRUARY.ends_at + timedelta(minutes=serial)).isoformat(),
            "month": f"{2050 + serial // 12 % 40}-{serial % 12 + 1:02}",
            "day": date(2099, 1, 1) + timedelta(days=serial),
            "proposal_no": proposals.add(migrated.superuser, *PROPOSED.get(template, ()))
            if "{proposal_no}" in template
            else None,
            "wrong_bill_no": wrong_bill_no,
            "cancellation_no": cancellations.ask(migrated.superuser, wrong_bill_no)
            if wrong_bill_no and route != "POST /v1/bill-cancellations"
            else None,
            "miscounted_no": miscounted_no,
            "energy_correction_no": _energy_correction_no(home, miscounted_no, template),
            "misread_no": misread_no,
            "correction_no": corrections.ask(migrated.superuser, misread_no)
            if "reading-corrections" in template and route != "POST /v1/reading-corrections"
            else None,
            "finding_no": findings.find(migrated.superuser, misread_no)
            if "reading-findings" in template
            else None,
            "section_no": sections.add(migrated.superuser, home.bureau, f"no. {serial}")
            if "{section_no}" in template
            else None,
            "bill_run_id": runs.calculated(migrated.superuser, home.bureau)
            if "bill-runs" in template and method == "POST"
            else home.bill_run_id,
            "account_no": _account_no(home, method, template),
            # Above all that the meter showed before, whichever cell comes first.
            "register": 100_000 + serial,
            "channel": "hall" if role is CLERK else "bank",
            "read_at": (FEBRUARY.ends_at + timedelta(minutes=serial)).isoformat(),
        }
        headers = {
            "Authorization": f"Bearer {person(role, whose)}",
            "Idempotency-Key": f"matrix-http-{serial}",
        }
        sent = {"json": filled(MATRIX[route].body, values)} if method == "POST" else {}
        if template == "/v1/account-imports":
            line = json.dumps(new_account(bureau=home.bureau))
            sent = {"body": line.encode(), "content_type": "application/x-ndjson"}
        if template == "/v1/reading-files":
            file = "account_no,register,read_at,source\n{account_no},{register},{read_at},manual"
            sent = {"body": file.format(**values).encode(), "content_type": "text/csv"}
        path = (template + MATRIX[route].query).format(**values)
        return TestClient(app).simulate_request(method, path, headers=headers, **sent)

    yield asked
    home.utility.drain()
    runs.close(migrated.superuser, home.bureau)


def filled(body, values):
    """Return `body` with what stands in braces replaced by its value."""
    if isinstance(body, dict):
        return {name: filled(value, values) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, values) for value in body]
    if isinstance(body, str) and (whole := re.fullmatch(r"{(bureau)}", body)):
        return values[whole[1]]
    return body.format(**values) if isinstance(body, str) else body


def seen(answered, where):
    found = answered.json[where]
    return len(found) if isinstance(found, list) else found


@pytest.mark.parametrize("whose", [OWN, OTHER, EVERY])
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("route", MATRIX)
def test_a_cell_of_the_matrix(ask, route, role, whose):
    expected = MATRIX[route]
    answered = ask(route, role, whose)
    is_paper = answered.headers.get("content-type") == "application/pdf"
    told = (answered.status_code, None if is_paper else (answered.json or {}).get("code"))

    if role not in expected.may:
        assert told == (403, "ROLE_FORBIDDEN")
    elif whose != EVERY and expected.is_central:
        assert told == (403, "CENTRAL_ONLY")
    elif whose == EVERY and role not in expected.every:
        assert told == (403, "BUREAU_REQUIRED")
    elif whose == OTHER and expected.neighbour is not None:
        assert told == (404, expected.neighbour)
    else:
        assert told == (expected.status, None), answered.text
        if expected.counts:
            assert seen(answered, expected.counts) == (0 if whose == OTHER else 1)


@pytest.mark.parametrize("role", [ADMINISTRATOR, AUDITOR])
def test_the_list_of_staff_shows_no_neighbour_who_works_where(ask, home, role):
    def names(whose):
        items = ask("GET /v1/staff", role, whose).json["items"]
        return {item["user_name"] for item in items if item["bureau"] == home.bureau}

    assert home.user_name in names(OWN)
    assert names(OTHER) == set()


@pytest.mark.parametrize("role", [ADMINISTRATOR, AUDITOR])
def test_the_events_of_staff_show_no_neighbour_what_happened_where(ask, home, migrated, role):
    migrated.superuser(
        "INSERT INTO evergrid.staff_event (happened_at, kind, principal_id, bureau_id) "
        f"SELECT '{NOW}', 'locked', principal_id, bureau_id FROM evergrid.principal "
        f"WHERE name = '{home.user_name}'"
    )

    def bureaus(whose):
        items = ask("GET /v1/staff-events", role, whose).json["items"]
        return {item["bureau"] for item in items}

    assert bureaus(OWN) == {home.bureau}
    assert home.bureau not in bureaus(OTHER)
    assert home.bureau in bureaus(EVERY)


@pytest.mark.parametrize("route", MATRIX)
@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "TOKEN_MISSING"),
        (f"Bearer {tokens.PREFIX}{'A' * 43}", "TOKEN_UNKNOWN"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "TOKEN_UNKNOWN"),
    ],
)
def test_without_a_token_of_ours_nothing_is_answered(app, home, route, authorization, code):
    method, template = route.split()
    headers = {"Authorization": authorization} if authorization else {}
    named = (
        "proposal_no", "cancellation_no", "correction_no", "finding_no", "section_no",
        "equipment_no", "energy_correction_no",
    )  # fmt: skip
    numbers = dict.fromkeys(named, 1)
    path = template.format(**vars(home), **numbers)
    answered = TestClient(app).simulate_request(method, path, headers=headers)

    assert (answered.status_code, answered.json["code"]) == (401, code)
    assert answered.headers["www-authenticate"] == 'Bearer realm="evergrid"'
