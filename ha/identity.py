"""Identity: how a program proves on which host it runs, whom it believes, over TLS."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from ha.certificates import AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE

_log = logging.getLogger(__name__)
CONFIGURATION = Path("/etc/evergrid")


class Identity:
    """
    The certificate of this host, from files that may be replaced while the program runs.

    Who calls and who serves each asks for the other's certificate. A context is made anew when the
    files have changed: connections that are open keep what they were opened with. Between the
    moment when a certificate is replaced and that when its key is, the two that fitted are used.
    """

    def __init__(self, folder: Path = CONFIGURATION) -> None:
        self._folder = folder
        self._made: dict[ssl.Purpose, tuple[tuple[int, ...], ssl.SSLContext]] = {}

    def calling(self) -> ssl.SSLContext:
        """
        Return what a client connects with.

        :raises OSError: if the files are not there, or do not fit together (ssl.SSLError)
        """
        return self._context(ssl.Purpose.SERVER_AUTH)

    def serving(self) -> ssl.SSLContext:
        """
        Return what a server answers with.

        :raises OSError: if the files are not there, or do not fit together (ssl.SSLError)
        """
        return self._context(ssl.Purpose.CLIENT_AUTH)

    def _context(self, purpose: ssl.Purpose) -> ssl.SSLContext:
        known = self._made.get(purpose)
        try:
            version = self._version()
            if known is not None and known[0] == version:
                return known[1]
            context = self._made_now(purpose)
        except OSError as error:
            if known is None:
                raise
            _log.info("The certificate is not whole, the one before it is used: %s", error)
            return known[1]
        self._made[purpose] = (version, context)
        return context

    def _made_now(self, purpose: ssl.Purpose) -> ssl.SSLContext:
        context = ssl.create_default_context(purpose, cafile=self._folder / AUTHORITY_FILE)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self._folder / CERTIFICATE_FILE, self._folder / KEY_FILE)
        return context

    def _version(self) -> tuple[int, ...]:
        """Return what changes when a file is replaced or written."""
        found = [(self._folder / n).stat() for n in (AUTHORITY_FILE, CERTIFICATE_FILE, KEY_FILE)]
        return tuple(number for file in found for number in (file.st_ino, file.st_mtime_ns))
