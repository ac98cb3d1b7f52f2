"""Certificate: what this host's PostgreSQL presents, seen as a client sees it."""

from __future__ import annotations

import logging
import socket
import ssl
import struct

from ha.identity import Identity
from ha.warden.board import Board
from ha.warden.settings import Settings

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 60.0
_ANSWER_S = 2.0
# postgresql.org, "Message Formats", SSLRequest: length 8, code 80877103; "S" is a yes.
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)
_YES = b"S"


class CertificateWatch:
    """Looks once a minute when the certificate that PostgreSQL presents runs out."""

    def __init__(self, board: Board, settings: Settings, identity: Identity) -> None:
        self._board = board
        self._where = (settings.address, settings.postgres_port)
        self._identity = identity

    def look(self) -> float:
        """Look once; return when to look again. Without an answer, what was seen last stands."""
        try:
            self._board.certificate_ends = presented_until(*self._where, self._identity.calling())
        except OSError as error:
            _log.debug("PostgreSQL presents no certificate: %s.", error)
        return _LOOK_EVERY_S


def presented_until(address: str, port: int, context: ssl.SSLContext) -> float:
    """
    Return when the certificate that a PostgreSQL presents runs out, in seconds since 1970.

    :raises OSError: if there is no answer, or none over TLS that `context` believes
    """
    with socket.create_connection((address, port), timeout=_ANSWER_S) as plain:
        plain.sendall(_SSL_REQUEST)
        if plain.recv(1) != _YES:
            raise ssl.SSLError("this PostgreSQL does not speak TLS")
        with context.wrap_socket(plain, server_hostname=address) as secured:
            presented = secured.getpeercert()
    assert presented, "a server without a certificate is not believed"
    return ssl.cert_time_to_seconds(str(presented["notAfter"]))
