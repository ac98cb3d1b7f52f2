"""Settings: read once from the environment, checked whole before the first request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PORT_MAX = 65_535
# A pool beyond this would let one process use up the server's connections (max_connections).
_CONNECTIONS_MAX = 64
# Longer than any failover; past it the load balancer has given up already.
_DEADLINE_MAX_S = 600
# As much chance as SHA-256 has room for, in base64. Source: RFC 7518, section 3.2.
_KEY_CHARACTERS_MIN = 32


class SettingsWrong(Exception):
    """The environment does not describe a runnable service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Everything the API can be told from outside."""

    primary_dsn: str
    replica_dsn: str
    servers_port: int
    connections_max: int
    deadline_s: int
    host: str
    metrics_folder: Path | None
    signing: SigningKeys
    oidc: OidcSettings | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SigningKeys:
    """The key that access tokens are signed with, beside the one before it."""

    current: str
    previous: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """An OpenID Connect issuer that may vouch for the staff."""

    issuer: str
    audience: str
    jwks_url: str
    claim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Everything the worker can be told from outside."""

    worker_dsn: str
    deadline_s: int
    host: str
    metrics_port: int


def read_api(environ: Mapping[str, str]) -> ApiSettings:
    """
    Return the API's settings found in `environ`.

    :raises SettingsWrong: naming every variable that is missing or malformed, not just the first
    """
    variables = _Variables(environ)
    found = ApiSettings(
        primary_dsn=variables.text("EVERGRID_PRIMARY_DSN"),
        replica_dsn=variables.text("EVERGRID_REPLICA_DSN"),
        servers_port=variables.whole("EVERGRID_SERVERS_PORT", 5432, at_most=_PORT_MAX),
        connections_max=variables.whole("EVERGRID_CONNECTIONS_MAX", 8, at_most=_CONNECTIONS_MAX),
        deadline_s=variables.whole("EVERGRID_DEADLINE_S", 27, at_most=_DEADLINE_MAX_S),
        host=variables.text("EVERGRID_HOST"),
        metrics_folder=variables.folder("PROMETHEUS_MULTIPROC_DIR"),
        signing=variables.signing_keys(),
        oidc=variables.oidc(),
    )
    variables.refuse_wrong()
    return found


def read_worker(environ: Mapping[str, str]) -> WorkerSettings:
    """
    Return the worker's settings found in `environ`.

    :raises SettingsWrong: naming every variable that is missing or malformed, not just the first
    """
    variables = _Variables(environ)
    found = WorkerSettings(
        worker_dsn=variables.text("EVERGRID_WORKER_DSN"),
        deadline_s=variables.whole("EVERGRID_DEADLINE_S", 27, at_most=_DEADLINE_MAX_S),
        host=variables.text("EVERGRID_HOST"),
        metrics_port=variables.whole("EVERGRID_WORKER_METRICS_PORT", 8081, at_most=_PORT_MAX),
    )
    variables.refuse_wrong()
    return found


def read_dsn(environ: Mapping[str, str], variable: str) -> str:
    """
    Return one connection string, for a command that needs nothing else.

    :raises SettingsWrong: if it is missing
    """
    variables = _Variables(environ)
    found = variables.text(variable)
    variables.refuse_wrong()
    return found


def read_passwords(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Return the password of each of our roles in the database, by the role's name.

    :raises SettingsWrong: naming every one that is missing
    """
    variables = _Variables(environ)
    found = {
        f"evergrid_{program}": variables.text(f"EVERGRID_{program.upper()}_PASSWORD")
        for program in ("owner", "api", "worker", "audit")
    }
    variables.refuse_wrong()
    return found


class _Variables:
    """Reads variables one after the other, remembering what is wrong instead of stopping at it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._wrong: list[str] = []

    def text(self, name: str) -> str:
        value = self._environ.get(name, "")
        if not value:
            self._wrong.append(f"{name} is missing")
        return value

    def signing_keys(self) -> SigningKeys:
        current = self.text("EVERGRID_SIGNING_KEY")
        previous = self._environ.get("EVERGRID_SIGNING_KEY_PREVIOUS") or None
        for name, key in (("", current), ("_PREVIOUS", previous)):
            if key and len(key) < _KEY_CHARACTERS_MIN:
                self._wrong.append(
                    f"EVERGRID_SIGNING_KEY{name} has fewer than {_KEY_CHARACTERS_MIN} characters"
                )
        return SigningKeys(current=current, previous=previous)

    def oidc(self) -> OidcSettings | None:
        if not self._environ.get("EVERGRID_OIDC_ISSUER"):
            return None
        jwks_url = self.text("EVERGRID_OIDC_JWKS_URL")
        if jwks_url and not jwks_url.startswith("https://"):
            self._wrong.append("EVERGRID_OIDC_JWKS_URL does not begin with https://")
        return OidcSettings(
            issuer=self.text("EVERGRID_OIDC_ISSUER"),
            audience=self.text("EVERGRID_OIDC_AUDIENCE"),
            jwks_url=jwks_url,
            claim=self._environ.get("EVERGRID_OIDC_CLAIM") or "sub",
        )

    def whole(self, name: str, default: int, *, at_most: int) -> int:
        value = self._environ.get(name, str(default))
        is_whole = value.isascii() and value.isdecimal()
        if is_whole and 1 <= int(value) <= at_most:
            return int(value)
        self._wrong.append(f"{name} is {value!r}, not a whole number from 1 to {at_most}")
        return default

    def folder(self, name: str) -> Path | None:
        value = self._environ.get(name)
        if not value:
            return None
        if not Path(value).is_dir():
            self._wrong.append(f"{name} is {value!r}, not a folder")
        return Path(value)

    def refuse_wrong(self) -> None:
        if self._wrong:
            raise SettingsWrong("; ".join(self._wrong))
