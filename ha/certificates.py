"""Certificates: by which the hosts of one data centre know each other, with what they serve."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ha.topology import Host, Topology

AUTHORITY_DAYS = 3650
# Whoever steals a host's key can use it for half a year at most; the alert comes a month before
# a certificate runs out (monitoring/rules), `rotate_certificates` takes a minute.
HOST_DAYS = 180
# Clocks of hosts differ: a certificate is good from a little earlier than it is made.
_CLOCKS_DIFFER = timedelta(hours=1)

# The programs that operations staff run: not a host, nobody's server.
OPERATOR = "operator"
# What every PostgreSQL is called by those who reach whichever of them is the primary, or a replica.
POSTGRESQL = "postgresql"

# How their files are called under /etc/evergrid. HAProxy looks for a key beside its certificate,
# under this name.
AUTHORITY_FILE = "authority.crt"
CERTIFICATE_FILE = "host.crt"
KEY_FILE = "host.crt.key"


class CertificatesWrong(Exception):
    """What is kept of a site's certificates cannot be used as was asked."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Authority:
    """Who signs, as PEM. Shown as an address only, so that no log repeats its key."""

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Certificates:
    """
    What one data centre's authority has signed; all of it PEM.

    Everybody trusts all `authorities`; the first of them signs. `keys` and `signed` are by the
    name of the host, or `OPERATOR`. Shown as an address only, so that no log repeats a key.
    """

    authorities: tuple[Authority, ...]
    signed: dict[str, str]
    keys: dict[str, str]

    @property
    def trusted(self) -> str:
        """Return the certificates of all authorities, one after the other."""
        return "".join(authority.certificate for authority in self.authorities)


def issue(topology: Topology) -> Certificates:
    """Return a new authority for the data centre, with a certificate for each of its hosts."""
    return renew(Certificates(authorities=(_founded(topology),), signed={}, keys={}), topology)


def renew(known: Certificates, topology: Topology) -> Certificates:
    """
    Return new keys, new certificates for all hosts of the topology, for those only.

    Clients get none: by a certificate one may ask whatever a host may ask.
    """
    pairs = {OPERATOR: _issued(known.authorities[0], OPERATOR, ())}
    for host in topology.hosts:
        if host.roles == ("client",):
            continue
        pairs[host.name] = _issued(known.authorities[0], host.name, _names(host, topology))
    return replace(
        known,
        keys={name: key for name, (key, _) in pairs.items()},
        signed={name: signed for name, (_, signed) in pairs.items()},
    )


def announce(known: Certificates, topology: Topology) -> Certificates:
    """
    Return the certificates with a second authority, trusted from now on; the old one signs.

    The first of three steps by which an authority is replaced while everything runs: hosts trust
    both (`announce`), present what the new one signed (`succeed`), forget the old one (`retire`).
    Each renews every certificate: Patroni looks whom to trust only when its own has changed.
    :raises CertificatesWrong: if a second one is there already
    """
    if len(known.authorities) > 1:
        raise CertificatesWrong("a second authority is announced already")
    both = (*known.authorities, _founded(topology))
    return renew(replace(known, authorities=both), topology)


def succeed(known: Certificates, topology: Topology) -> Certificates:
    """
    Return the certificates with the announced authority signing, every host's signed by it.

    :raises CertificatesWrong: if none is announced
    """
    if len(known.authorities) < 2:  # noqa: PLR2004  the one that signs, the announced one
        raise CertificatesWrong("no second authority is announced: hosts would not trust it")
    return renew(replace(known, authorities=known.authorities[::-1]), topology)


def retire(known: Certificates, topology: Topology) -> Certificates:
    """
    Return the certificates with the authority alone that signed them.

    :raises CertificatesWrong: if a host still presents what another one signed
    """
    signing = x509.load_pem_x509_certificate(known.authorities[0].certificate.encode())
    for name, signed in known.signed.items():
        certificate = x509.load_pem_x509_certificate(signed.encode())
        if not _is_signed_by(certificate, signing):
            raise CertificatesWrong(f"{name} still has a certificate of the old authority")
    return renew(replace(known, authorities=known.authorities[:1]), topology)


Step = Callable[[Certificates, Topology], Certificates]
# By the names of the commands; the last three, in this order, replace the authority itself.
STEPS: dict[str, Step] = {
    "renew": renew,
    "announce": announce,
    "succeed": succeed,
    "retire": retire,
}


def ends(pem: str) -> datetime:
    """Return when the first certificate in `pem` runs out, in UTC."""
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc


def files(certificates: Certificates, topology: Topology) -> dict[str, str]:
    """
    Return each host's key with what proves it, as `{"<host>/<file>": text}` like `ha.render`.

    Clients only know whom to believe.
    """
    return {
        f"{host.name}/{name}": text
        for host in topology.hosts
        for name, text in of(certificates, host.name).items()
    }


def of(certificates: Certificates, name: str) -> dict[str, str]:
    """Return the three files of one host, or of the operators; the authority's of a client."""
    trusted = {AUTHORITY_FILE: certificates.trusted}
    if name not in certificates.keys:
        return trusted
    return trusted | {
        CERTIFICATE_FILE: certificates.signed[name],
        KEY_FILE: certificates.keys[name],
    }


def _names(host: Host, topology: Topology) -> tuple[x509.GeneralName, ...]:
    """
    Return what a host is called by those who connect to it.

    pgBackRest 2.45 looks for an address among the DNS names only, hence the address as one.
    """
    names = [host.name, host.address]
    addresses = [host.address]
    if "database" in host.roles:
        names.append(POSTGRESQL)
    if "edge" in host.roles:
        names.append(topology.virtual_address)
        addresses.append(topology.virtual_address)
    if "dcs" in host.roles:
        addresses.append("127.0.0.1")  # etcd's JSON gateway asks its own member there
    return (
        *(x509.DNSName(name) for name in names),
        *(x509.IPAddress(IPv4Address(address)) for address in addresses),
    )


def _founded(topology: Topology) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    # A serial in the name: two authorities of one site are told apart by it.
    serial = x509.random_serial_number()
    name = _called(f"Evergrid {topology.name} {serial:x}"[:64])
    certificate = (
        _begun(name, issuer=name, key=key, serial=serial, days=AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usages(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    return Authority(certificate=_pem(certificate), key=_key_pem(key))


def _issued(authority: Authority, name: str, names: Iterable[x509.GeneralName]) -> tuple[str, str]:
    """Return a key with its certificate, good for calling, for serving too if it has `names`."""
    signing = x509.load_pem_x509_certificate(authority.certificate.encode())
    signing_key = load_pem_private_key(authority.key.encode(), password=None)
    assert isinstance(signing_key, ec.EllipticCurvePrivateKey), "it is ours"
    key = ec.generate_private_key(ec.SECP256R1())
    found = tuple(names)
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    building = (
        _begun(
            _called(name),
            issuer=signing.subject,
            key=key,
            serial=x509.random_serial_number(),
            days=HOST_DAYS,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usages(signs=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()),
            critical=False,
        )
    )
    if found:
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
        building = building.add_extension(x509.SubjectAlternativeName(found), critical=False)
    building = building.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return _key_pem(key), _pem(building.sign(signing_key, SHA256()))


def _begun(
    name: x509.Name, *, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, serial: int, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + timedelta(days=days))
    )


def _usages(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _is_signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001  InvalidSignature, ValueError, TypeError: each means no
        return False
    return True


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
