"""An OpenID Connect issuer of our own, for tests: its keys, what it publishes, what it signs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

# Made once: a key of RSA takes a second.
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
AUDIENCE = "evergrid-of-tests"


class TestIssuer:
    """Signs ID tokens with the keys in `private`; publishes those in `published`, by id."""

    __test__ = False  # what it is called is no test

    def __init__(self, url: str) -> None:
        self.url = url
        self.private: dict[str, Any] = {"rsa": RSA, "ec": EC}
        self.published = ["rsa", "ec"]
        self.asked = 0
        self.answer: bytes | None = None  # instead of the keys

    def keys(self) -> bytes:
        """Return what is published, as JWKS."""
        self.asked += 1
        if self.answer is not None:
            return self.answer
        return json.dumps({"keys": [self._public(name) for name in self.published]}).encode()

    def add(self, name: str) -> None:
        """Begin to sign with one more key, published from now on."""
        self.private[name] = ec.generate_private_key(ec.SECP256R1())
        self.published.append(name)

    def id_token(
        self,
        subject: str,
        *,
        now: datetime,
        key: str = "ec",
        algorithm: str | None = None,
        **changed: Any,
    ) -> str:
        """Return an ID token; a claim changed to None is left out."""
        claims = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + timedelta(minutes=5),
        } | changed
        is_rsa = isinstance(self.private[key], rsa.RSAPrivateKey)
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            self.private[key],
            algorithm=algorithm or ("RS256" if is_rsa else "ES256"),
            headers={"kid": key},
        )

    def public_pem(self, name: str) -> bytes:
        """Return a public key as files hold it."""
        return (
            self.private[name]
            .public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    def _public(self, name: str) -> dict[str, Any]:
        key = self.private[name]
        kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
        return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}


@contextmanager
def running() -> Iterator[TestIssuer]:
    """Run an issuer on a port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = issuer.keys()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = TestIssuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
