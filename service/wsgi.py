"""What gunicorn loads: `service.wsgi:app`."""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from importlib import metadata

from service import green, settings
from service.api.app import create_app
from service.domain.access_tokens import Keys
from service.domain.id_tokens import Trusted
from service.store.connection import CONNECT_ANSWER_S
from service.store.database import Database
from service.store.issuers import Issuer
from service.usecases.hashing import Hashing
from service.usecases.identity import Identity

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
green.install(answer_s=CONNECT_ANSWER_S)
_settings = settings.read_api(os.environ)


def _issuer(found: settings.OidcSettings | None) -> Issuer | None:
    if found is None:
        return None
    trusted = Trusted(issuer=found.issuer, audience=found.audience, claim=found.claim)
    return Issuer(trusted=trusted, jwks_url=found.jwks_url)


app = create_app(
    database=Database(
        dsn=_settings.primary_dsn,
        replica_dsn=_settings.replica_dsn,
        servers_port=_settings.servers_port,
        connections_max=_settings.connections_max,
    ),
    identity=Identity(
        keys=Keys(_settings.signing.current, _settings.signing.previous),
        hashing=Hashing(),
        issuer=_issuer(_settings.oidc),
    ),
    clock=lambda: datetime.now(UTC),
    deadline_s=_settings.deadline_s,
    host=_settings.host,
    version=metadata.version("evergrid"),
    metrics_folder=_settings.metrics_folder,
)
