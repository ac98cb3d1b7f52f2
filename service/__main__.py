"""The command line of the service, for operators."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from service import settings, worker
from service.api.app import description
from service.domain import tokens
from service.domain.errors import Refusal
from service.domain.months import Month
from service.domain.principals import checked_role
from service.domain.staff import NewStaff
from service.store import migrate as migrations
from service.store import roles as database_roles
from service.store.database import Database
from service.store.sqlstates import DatabaseError
from service.usecases import principals
from service.usecases import staff as staff_members
from service.usecases.bill_documents import documents_of_month
from service.usecases.demo import load_demo
from service.usecases.hashing import Hashing

commands = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
token = typer.Typer(no_args_is_help=True, help="Bearer tokens of people and programs.")
commands.add_typer(token, name="token")
staff = typer.Typer(no_args_is_help=True, help="People who sign in.")
commands.add_typer(staff, name="staff")

_DEADLINE_S = 60.0  # An operator at a terminal waits through a failover, not for ever.
_CONNECTIONS_MAX = 2


class Phase(StrEnum):
    """Before the new code is rolled out, after the old code is gone, or both."""

    PRE = "pre"
    POST = "post"
    ALL = "all"


@commands.command()
def roles() -> None:
    """Create the database with the roles of its programs, or bring them up to date."""
    passwords = settings.read_passwords(os.environ)
    dsn = settings.read_dsn(os.environ, "EVERGRID_ADMIN_DSN")
    database_roles.prepare(dsn=dsn, passwords=database_roles.Passwords(**passwords))
    typer.echo("The database evergrid and the roles of its programs are in place.")


@commands.command()
def migrate(phase: Annotated[Phase, typer.Option()] = Phase.PRE) -> None:
    """Bring the schema up to date: `pre` before new code is rolled out, `post` after."""
    applied = migrations.migrate(
        dsn=settings.read_dsn(os.environ, "EVERGRID_OWNER_DSN"),
        migrations=migrations.in_order(),
        phases=frozenset({"pre", "post"} if phase is Phase.ALL else {phase.value}),
    )
    typer.echo("\n".join(f"applied {name}" for name in applied) or "The schema is up to date.")


@commands.command()
def demo(
    accounts: Annotated[int, typer.Option(min=1, max=1_000_000)] = 2_000,
    months: Annotated[int, typer.Option(min=1, max=24)] = 2,
) -> None:
    """Load the demo bureau, once; print what was made, with its tokens, as JSON."""
    loaded = load_demo(_as_owner(), accounts=accounts, months=months, now=datetime.now(UTC))
    typer.echo(json.dumps(loaded))


@commands.command("worker")
def run_worker() -> None:
    """Issue the bills of every requested run; ends on SIGTERM."""
    worker.main(os.environ)


@commands.command()
def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    typer.echo(
        json.dumps(description(version=metadata.version("evergrid")), indent=2, ensure_ascii=False)
    )


@commands.command()
def bill_documents(
    bureau: Annotated[int, typer.Option(min=1, max=99)],
    month: Annotated[str, typer.Option(help="YYYY-MM.")],
    into: Annotated[Path, typer.Option(file_okay=False, help="A folder; made if there is none.")],
) -> None:
    """Write every bill in force of a bureau's month as a PDF, named by its number."""
    documents = documents_of_month(
        database=_as_owner(),
        bureau_id=bureau,
        month=Month.parse(month),
        deadline_s=_DEADLINE_S,
    )
    into.mkdir(parents=True, exist_ok=True)
    count = 0
    for bill_no, document in documents:
        (into / f"{bill_no}.pdf").write_bytes(document)
        count += 1
    typer.echo(f"{count} bills of {month} are in {into}.")


@token.command("issue")
def issue_token(
    name: Annotated[str, typer.Option(help="Of the person or program.")],
    role: Annotated[str, typer.Option()],
    bureau: Annotated[int | None, typer.Option(help="Its only bureau; all, if left out.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How long it lives.")] = tokens.DAYS_DEFAULT,
    only: Annotated[
        list[str] | None,
        typer.Option(help="An operation that it is limited to, payments.take; repeat for more."),
    ] = None,
) -> None:
    """Issue a token and print it: it cannot be shown again."""
    database = _as_owner()
    principals.add_principal(
        database=database, name=name, role=role, bureau_id=bureau, deadline=_deadline()
    )
    issued = principals.issue_token(
        database=database,
        name=name,
        days=days,
        operations=only or (),
        make_secret=lambda: secrets.token_urlsafe(32),
        now=datetime.now(UTC),
        deadline=_deadline(),
    )
    typer.echo(issued)


@token.command("revoke")
def revoke_tokens(
    name: Annotated[str, typer.Option(help="Of the person or program.")],
    token_id: Annotated[str | None, typer.Option(help="Only this one, as `list` names it.")] = None,
) -> None:
    """Take back the tokens of a person or program."""
    if token_id is not None:
        principals.revoke_token(
            database=_as_owner(),
            name=name,
            token_id=token_id,
            now=datetime.now(UTC),
            deadline=_deadline(),
        )
        typer.echo(f"Token {token_id} of {name} was revoked.")
        return
    count = principals.revoke_tokens(
        database=_as_owner(), name=name, now=datetime.now(UTC), deadline=_deadline()
    )
    typer.echo(f"{count} tokens of {name} were revoked.")


@token.command("list")
def list_tokens(name: Annotated[str, typer.Option(help="Of the person or program.")]) -> None:
    """List the tokens of a person or program, the newest first, one JSON object a line."""
    for shown in principals.tokens_of(database=_as_owner(), name=name, deadline=_deadline()):
        typer.echo(msgspec.json.encode(shown).decode())


@staff.command("add")
def add_staff(
    user_name: Annotated[str, typer.Option()],
    full_name: Annotated[str, typer.Option()],
    role: Annotated[str, typer.Option()] = "administrator",
    bureau: Annotated[int | None, typer.Option(help="Its only bureau; all, if left out.")] = None,
) -> None:
    """Add a person, the first administrator; the password is asked for, or read from a pipe."""
    password = typer.prompt("First password", hide_input=sys.stdin.isatty(), prompt_suffix=": ")
    found = staff_members.appoint_staff(
        database=_as_owner(),
        hashing=Hashing(),
        new=NewStaff(
            user_name=user_name,
            full_name=full_name,
            role=checked_role(role),
            bureau=bureau,
            oidc_subject=None,
            password=password,
        ),
        now=datetime.now(UTC),
        deadline=_deadline(),
    )
    typer.echo(f"{found.user_name} was added, and must change the password at the first sign-in.")


def _as_owner() -> Database:
    dsn = settings.read_dsn(os.environ, "EVERGRID_OWNER_DSN")
    return Database(dsn=dsn, connections_max=_CONNECTIONS_MAX)


def _deadline() -> float:
    return time.monotonic() + _DEADLINE_S


def main() -> None:
    """Run a command; what the operator can mend is said in a line, not in a traceback."""
    try:
        commands()
    except Refusal as refusal:
        sys.exit(f"{refusal.code}: {refusal}. {refusal.hint}")
    except (settings.SettingsWrong, migrations.MigrationRefused, DatabaseError) as error:
        sys.exit(f"{type(error).__name__}: {str(error).strip()}")


if __name__ == "__main__":
    main()
