"""The program that keeps the backups of a data centre going: `python -m ha.backups`."""

from __future__ import annotations

import logging
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import prometheus_client
import typer

from ha import certificates
from ha.backups import metrics
from ha.backups.pgbackrest import Pgbackrest
from ha.backups.rounds import Rounds
from ha.identity import CONFIGURATION

REPOSITORY = Path("/var/lib/evergrid/pgbackrest")
# Reading the repository costs a tenth of a second of one core.
ROUND_EVERY_S = 10.0


def main(
    stanza: Annotated[str, typer.Option(help="The name of the data centre.")],
    listen: Annotated[str, typer.Option(help="ADDRESS:PORT of /metrics.")],
) -> None:
    """Create the stanza, check the archive, take the backups that are due, until told to stop."""
    logging.basicConfig(
        format="%(asctime)s %(levelname)s: %(message)s", level=logging.INFO, stream=sys.stdout
    )
    # Leaving by an exception ends the command that is running, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    address, port = listen.rsplit(":", 1)
    prometheus_client.start_http_server(
        int(port),
        address,
        certfile=str(CONFIGURATION / certificates.CERTIFICATE_FILE),
        keyfile=str(CONFIGURATION / certificates.KEY_FILE),
        client_cafile=str(CONFIGURATION / certificates.AUTHORITY_FILE),
        client_auth_required=True,
    )
    metrics.watch_archive(REPOSITORY, stanza=stanza)
    rounds = Rounds(Pgbackrest(stanza=stanza), proof=metrics.PROOF)
    while True:
        rounds.go(datetime.now(UTC))
        time.sleep(ROUND_EVERY_S)


if __name__ == "__main__":
    typer.run(main)
