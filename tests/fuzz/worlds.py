"""The world that the cases speak of: accounts, bills, staff, with whoever may ask about them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.domain import access_tokens
from service.domain.id_tokens import Trusted
from service.domain.principals import Caller, Role
from service.store.database import Database
from service.store.issuers import Issuer
from service.usecases.identity import Identity
from service.usecases.principals import issue_token
from tests.conftest import Server
from tests.integration import (
    cancellations,
    closings,
    corrections,
    energy_corrections,
    findings,
    issuers,
    proposals,
    runs,
    sections,
    supplies,
)
from tests.integration.sign_ins import IDENTITY, KEYS
from tests.integration.utilities import FEBRUARY, Utility

PASSWORD = "the password of the world"
_OTHER_BUREAU = 2
_PEOPLE, _SESSIONS, _ACCOUNTS, _PROPOSALS, _CANCELLATIONS = 200, 20_000, 20, 60, 60
_SECTIONS = 60
_SESSION = timedelta(hours=9)
_MISREAD_AT = FEBRUARY.ends_at - timedelta(hours=4)  # as `Utility.read` reads


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """
    What there is to ask about; can be handed to another process.

    `tokens` are by role and whose bureau they see: own, other, every; `proposal_nos` by what they
    have come to.
    """

    now: datetime
    bureau: int
    account_nos: tuple[str, ...]
    bill_nos: tuple[str, ...]
    payment_nos: tuple[str, ...]
    bill_run_ids: tuple[int, ...]
    proposal_nos: dict[str, tuple[int, ...]]
    cancellation_nos: tuple[int, ...]
    correction_nos: tuple[int, ...]
    energy_correction_nos: tuple[int, ...]
    finding_nos: tuple[int, ...]
    section_nos: tuple[int, ...]
    plan_no: int
    misread_nos: tuple[str, ...]
    factory_no: str
    equipment_nos: tuple[str, ...]
    unread_nos: tuple[str, ...]
    closing_nos: tuple[str, ...]
    tokens: dict[tuple[str, str], str]
    id_token: str
    issuer: Trusted

    def identity(self) -> Identity:
        """Return what the API proves identities with."""
        issuer = Issuer(trusted=self.issuer, jwks_url=f"{self.issuer.issuer}/keys")
        return Identity(keys=KEYS, hashing=IDENTITY.hashing, issuer=issuer)

    def access_token(self, number: int) -> str:
        """Return an access token of some person's session."""
        session_id = f"{number % _SESSIONS:032x}"
        token, _ = access_tokens.signed(
            session_id=session_id, now=self.now, ends_at=self.now + _SESSION, keys=KEYS
        )
        return token

    def proposal_no(self, step: str, number: int) -> int:
        """Return a price proposal that may take a step, unless an earlier case has taken it."""
        numbers = self.proposal_nos[step if step in self.proposal_nos else "tests"]
        return numbers[number % len(numbers)]

    def documents(self, template: str, number: int) -> dict[str, Any]:
        """Return what may be asked for, or decided about, unless an earlier case has done so."""
        misread = {
            "account_no": self.misread_nos[number % len(self.misread_nos)],
            "read_at": _MISREAD_AT.isoformat(),
            "register": "90",
        }
        unread = {
            "account_no": self.unread_nos[number % len(self.unread_nos)],
            "month": "2026-03",
        }
        factory = {
            "account_no": self.factory_no,
            "equipment_no": f"T{number}",
            "from_month": f"{2027 + number % 70}-{1 + number % 12:02}",
        }
        running = self.equipment_nos[number % len(self.equipment_nos)]
        special = {
            "/v1/accounts/{account_no}/apportionments": factory
            | {
                "category": "agricultural",
                "parts": [
                    {
                        "category": "agricultural",
                        "share_hundredths_percent": 2000,
                        "participation": "neither",
                    }
                ],
            },
            "/v1/accounts/{account_no}/closing": {
                "account_no": self.closing_nos[number % len(self.closing_nos)],
                "closed_at": _MISREAD_AT.isoformat(),
            },
            "/v1/accounts/{account_no}/equipment": factory,
            "/v1/accounts/{account_no}/supply-terms": factory | {"contract_kw": None},
            "/v1/accounts/{account_no}/equipment/{equipment_no}/changes": factory
            | {"equipment_no": running, "condition": "suspended"},
            "/v1/energy-corrections": {"since": "2026-02-02", "until": "2026-02-20"},
            "/v1/reading-corrections": misread,
            "/v1/accounts/{account_no}/estimates": unread,
            "/v1/reading-plans": {"month": "2026-05"},
            "/v1/reading-sections": {"name": f"Section of case {number}"},
            "/v1/reading-sections/{section_no}/routes": {"from_month": f"2026-{5 + number % 8:02}"},
        }
        return special.get(template, {}) | {
            "proposal_no": self.proposal_no(template.rpartition("/")[2], number),
            "bill_run_id": self.bill_run_ids[number % len(self.bill_run_ids)],
            "cancellation_no": self.cancellation_nos[number % len(self.cancellation_nos)],
            "correction_no": self.correction_nos[number % len(self.correction_nos)],
            # Every other one is in force.
            "energy_correction_no": self.energy_correction_nos[
                (2 * number + template.endswith("/reversals")) % len(self.energy_correction_nos)
            ],
            "finding_no": self.finding_nos[number % len(self.finding_nos)],
            "section_no": self.section_nos[number % len(self.section_nos)],
        }

    def values(self, number: int) -> dict[str, Any]:
        """Return what a case may name, by the name of the field; serials are its own."""
        account_no = self.account_nos[number % len(self.account_nos)]
        return runs.SUMS | {
            "account_no": account_no,
            "account_nos": [account_no],
            "address": "示例路",
            "asset_no": f"FUZZ-{number}",
            "bill_no": self.bill_nos[number % len(self.bill_nos)],
            "bureau": self.bureau,
            "channel": ["hall", "bank"][number % 2],
            "channel_serial": f"F-{number}",
            "current_password": PASSWORD,
            "cursor": "MTAwMDAwMDAwNg",
            # Exchanges as well.
            "exchanged_at": (FEBRUARY.ends_at + timedelta(seconds=number % 3_000_000)).isoformat(),
            "final_register": str(1_000 + number % 900_000),
            "capacity_kva": "630",
            "no_load_kw": "1.2",
            "load_kw": "6.2",
            "no_load_percent": "1.1",
            "short_circuit_percent": "4.5",
            "load_shape": "1.5",
            "runs_from": "2026-06-01",
            "from_day": "2026-06-11",
            "equipment_no": "T1",
            "kind": "transformer",
            "basic_mode": "capacity",
            "from_month": f"{2027 + number % 70}-01",
            "id_token": self.id_token,
            "limit": 2,
            "month": "2026-02",
            "name": "李明月",
            "new_password": f"another password {number}",
            "nonce": None,
            "number": account_no,
            "on": "2026-04-01",
            "oidc_subject": None,
            "password": PASSWORD,
            "payment_no": self.payment_nos[number % len(self.payment_nos)],
            "phone": "12200000000",
            "plan_no": self.plan_no,
            "reader": f"fuzz.{number % _PEOPLE}",
            # Each reading of an account is later, higher than the one before.
            "read_at": (FEBRUARY.ends_at + timedelta(seconds=number % 3_000_000)).isoformat(),
            "register": str(1_000 + number % 900_000),
            "sample_result": "as billed",
            "since": "2026-04-01",
            "until": "2026-04-30",
            "user_name": f"fuzz.{number % _PEOPLE}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a world is made with."""

    server: Server
    database: Database
    worker_database: Database
    owner_database: Database
    caller: Callable[..., Caller]
    once: Callable[..., Any]
    now: datetime


def made(means: Means, issuer: issuers.TestIssuer) -> World:
    """Make a world in a bureau of its own."""
    utility = Utility(
        means.server.superuser, means.database, means.worker_database, means.caller, means.once,
        means.now,
    )  # fmt: skip
    opened = utility.open_accounts(_ACCOUNTS + _CANCELLATIONS)
    utility.read(opened, "100")
    run = utility.bill()
    account_nos, others = opened[:_ACCOUNTS], opened[_ACCOUNTS:]
    others, miscounted = others[::2], others[1::2]
    misread, asked, odd = (utility.open_accounts(_CANCELLATIONS) for _ in range(3))
    utility.read([*misread, *asked, *odd], "100")
    unread = utility.open_accounts(_CANCELLATIONS)
    findings.history(means.server.superuser, unread)
    closing = utility.open_accounts(_CANCELLATIONS)
    for account_no in closing[::2]:
        closings.close(utility, account_no)
    [factory_no] = utility.open_accounts(category="industrial")
    tokens = dict(_tokens(means, utility.bureau))
    section_nos = tuple(
        sections.add(means.server.superuser, utility.bureau, f"Section {number}")
        for number in range(_SECTIONS)
    )
    _people(means.server, bureau=utility.bureau, now=means.now)
    return World(
        now=means.now,
        bureau=utility.bureau,
        account_nos=tuple(account_nos),
        bill_nos=tuple(utility.bills(no).items[0].bill_no for no in account_nos),
        payment_nos=tuple(utility.pay(no, 500) for no in account_nos[:5]),
        bill_run_ids=(
            run.bill_run_id,
            *(runs.calculated(means.server.superuser, utility.bureau) for _ in range(_PROPOSALS)),
        ),
        proposal_nos={
            step: tuple(proposals.add(means.server.superuser, *before) for _ in range(_PROPOSALS))
            for step, before in (
                ("tests", ()),
                ("rejections", ()),
                ("approvals", ("tested",)),
                ("publications", ("tested", "approved")),
            )
        },
        cancellation_nos=tuple(
            cancellations.ask(means.server.superuser, utility.bills(no).items[0].bill_no)
            for no in others
        ),
        energy_correction_nos=tuple(
            energy_corrections.ask(utility, no, is_approved=bool(number % 2))
            for number, no in enumerate(miscounted)
        ),
        correction_nos=tuple(corrections.ask(means.server.superuser, no) for no in asked),
        finding_nos=tuple(findings.find(means.server.superuser, no) for no in odd),
        section_nos=section_nos,
        plan_no=sections.plan(means.server.superuser, section_nos[0], account_nos[0]),
        misread_nos=tuple(misread),
        factory_no=factory_no,
        equipment_nos=tuple(
            supplies.install(means.server.superuser, factory_no) for _ in range(_CANCELLATIONS)
        ),
        unread_nos=tuple(unread),
        closing_nos=tuple(closing),
        tokens=tokens,
        id_token=issuer.id_token("fuzz", now=means.now),
        issuer=Trusted(issuer=issuer.url, audience=issuers.AUDIENCE),
    )


def _tokens(means: Means, bureau: int) -> Iterator[tuple[tuple[str, str], str]]:
    whose = {"own": bureau, "other": _OTHER_BUREAU, "every": None}
    for role in Role:
        for name, number in whose.items():
            token = issue_token(
                database=means.owner_database,
                name=means.caller(role, number).name,
                days=400,
                make_secret=lambda: secrets.token_urlsafe(32),
                now=means.now,
                deadline=time.monotonic() + 20,
            )
            yield (role, name), token


def _people(server: Server, *, bureau: int, now: datetime) -> None:
    """Add readers of the bureau, all with one password, with sessions that end hours from now."""
    password_hash = IDENTITY.hashing.hash(PASSWORD)
    server.superuser(
        "WITH added AS (INSERT INTO evergrid.principal (name, role, bureau_id) "
        f"SELECT 'fuzz.' || n, 'reader', {bureau} FROM generate_series(0, {_PEOPLE - 1}) AS n "
        "RETURNING principal_id, name), "
        "person AS (INSERT INTO evergrid.staff (principal_id, bureau_id, full_name, created_at, "
        f"must_change_password, oidc_subject) SELECT principal_id, {bureau}, 'Li', '{now}', false, "
        "CASE name WHEN 'fuzz.0' THEN 'fuzz' END FROM added), "
        "known AS (INSERT INTO evergrid.staff_password "
        f"SELECT principal_id, '{password_hash}', '{now}' FROM added) "
        "INSERT INTO evergrid.staff_session "
        "(session_id, principal_id, began_at, ends_at, is_by_issuer) "
        f"SELECT lpad(to_hex(n), 32, '0'), principal_id, '{now}', '{now + _SESSION}', false "
        f"FROM generate_series(0, {_SESSIONS - 1}) AS n "
        f"JOIN added ON name = 'fuzz.' || n % {_PEOPLE}"
    )
