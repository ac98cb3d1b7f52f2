"""Certificates: how the hosts that exchange backups know each other."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ha.topology import Host, Role, Topology

# The roles whose hosts carry customers' data to or from the repository.
ROLES: tuple[Role, ...] = ("database", "backup")
# The authority's key is gone once it has signed: nothing can be renewed, so it has to last.
DAYS = 3650
# A key and a signature take milliseconds.
_OPENSSL_S = 10.0
_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class CertificatesFailed(Exception):
    """OpenSSL could not make a certificate."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Certificates:
    """
    What one data centre's authority has signed; all of it PEM.

    `keys` and `signed` are by the name of the host. Shown as an address only, so that no log
    repeats a key.
    """

    authority: str
    signed: dict[str, str]
    keys: dict[str, str]


def issue(topology: Topology) -> Certificates:
    """
    Return a certificate for each host of `ROLES`, signed by an authority made for this one call.

    Its key is never written where it outlives the call: nobody can sign another host later, and
    nobody can steal it.
    :raises CertificatesFailed: if OpenSSL does not do it
    """
    hosts = [host for host in topology.hosts if set(ROLES) & set(host.roles)]
    with TemporaryDirectory(prefix="evergrid-authority-") as folder:  # mode 0700
        certificate, key = Path(folder, "authority.crt"), Path(folder, "authority.key")
        subject = f"/CN=Evergrid {topology.name} backups"
        _openssl(*_EC, "-subj", subject, "-keyout", str(key), "-out", str(certificate))
        pairs = {
            host.name: _pair(_openssl(*_request(host), "-CA", str(certificate), "-CAkey", str(key)))
            for host in hosts
        }
        return Certificates(
            authority=certificate.read_text(encoding="ascii"),
            keys={name: key for name, (key, _) in pairs.items()},
            signed={name: signed for name, (_, signed) in pairs.items()},
        )


def files(certificates: Certificates) -> dict[str, str]:
    """Return each host's key with what proves it, as `{"<host>/<file>": text}` like `ha.render`."""
    return {
        f"{host}/{name}": text
        for host in certificates.keys
        for name, text in (
            ("authority.crt", certificates.authority),
            ("host.crt", certificates.signed[host]),
            ("host.key", certificates.keys[host]),
        )
    }


def _request(host: Host) -> tuple[str, ...]:
    """
    Return what asks for the certificate of one host, good for serving and for calling.

    The caller is known by its common name, the server by its address; pgBackRest 2.45 compares
    that with the names of a certificate only, hence the address as a DNS name.
    """
    names = f"subjectAltName=DNS:{host.name},DNS:{host.address},IP:{host.address}"
    usages = ("extendedKeyUsage=serverAuth,clientAuth", "basicConstraints=critical,CA:FALSE")
    wanted = [option for each in (names, *usages) for option in ("-addext", each)]
    return (*_EC, "-subj", f"/CN={host.name}", *wanted, "-keyout", "-", "-out", "-")


def _openssl(*options: str) -> str:
    argv = ["openssl", "req", "-x509", "-sha256", "-days", str(DAYS), *options]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=_OPENSSL_S, check=True, umask=0o077
        )
    except (OSError, subprocess.SubprocessError) as error:
        why = getattr(error, "stderr", None) or error
        raise CertificatesFailed(f"no certificate from openssl: {str(why).strip()}") from error
    return done.stdout


def _pair(printed: str) -> tuple[str, str]:
    """Return the key and the certificate that OpenSSL printed one after the other."""
    block = "-----BEGIN {0}-----.*?-----END {0}-----\n"
    kinds = ("PRIVATE KEY", "CERTIFICATE")
    found = [re.search(block.format(kind), printed, re.DOTALL) for kind in kinds]
    key, certificate = (match[0] for match in found if match)
    return key, certificate
