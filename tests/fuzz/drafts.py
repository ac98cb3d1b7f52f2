"""A request in the making: valid at first, in parts that can be changed one by one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote, quote_plus

JSON, NDJSON = "application/json", "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Case:
    """One request as a server gets it: `target` is in ASCII, header values in Latin-1."""

    number: int
    operation: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __str__(self) -> str:
        """Write it so that it can be read, and asked again by its number."""
        headers = "".join(f"\n  {name}: {value[:200]!a}" for name, value in self.headers)
        return (
            f"case {self.number}: {self.method} {self.target[:500]}{headers}\n  {self.body[:500]!a}"
        )


@dataclass(slots=True)
class Draft:
    """
    What becomes a case.

    `segments` are those of the path, `raw` what is done to the bytes of the body at the end. A
    `body` that is None is not sent.
    """

    operation: str
    method: str
    segments: list[str]
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: object = None
    raw: list[Callable[[bytes], bytes]] = field(default_factory=list)
    target_raw: list[Callable[[str], str]] = field(default_factory=list)

    @property
    def is_lines(self) -> bool:
        """Whether the body is a line for each thing."""
        return self.operation.endswith("/v1/account-imports")

    def case(self, number: int, random: Random) -> Case:
        """Return the request as it is sent."""
        body = self._bytes(random)
        for change in self.raw:
            body = change(body)
        target = "/" + "/".join(quote(s, safe="", errors="surrogatepass") for s in self.segments)
        if self.query:
            pairs = (
                "=".join(quote_plus(part, errors="surrogatepass") for part in pair)
                for pair in self.query
            )
            target += "?" + "&".join(pairs)
        for change_target in self.target_raw:
            target = change_target(target)
        headers = {"Content-Length": str(len(body))} | self.headers if body else self.headers
        return Case(
            number, self.operation, self.method, target, tuple(_latin(headers).items()), body
        )

    def _bytes(self, random: Random) -> bytes:
        if self.body is None:
            return b""
        if self.operation.endswith("/v1/reading-files") and isinstance(self.body, str):
            return self.body.encode("utf-8", "surrogatepass")
        is_ascii = random.random() < 0.5
        if self.is_lines and isinstance(self.body, list):
            return b"\n".join(_encoded(line, is_ascii=is_ascii) for line in self.body)
        return _encoded(self.body, is_ascii=is_ascii)


def _encoded(value: object, *, is_ascii: bool) -> bytes:
    return json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")


def _latin(headers: dict[str, str]) -> dict[str, str]:
    """Return headers as they can be sent: what a server refuses to read never comes to us."""
    sent = {}
    for name, value in headers.items():
        raw = value.encode("utf-8", "surrogatepass").decode("latin-1")
        sent[name] = raw.replace("\0", "").replace("\r", "").replace("\n", "").strip(" \t")[:8_000]
    return sent
