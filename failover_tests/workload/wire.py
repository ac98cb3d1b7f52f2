"""HTTP/1.1 over one kept connection, with as little as a fast client needs."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_TOKEN = b"consistency-token:"


class Broken(Exception):
    """The connection ended before the answer was whole."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    token: str | None
    body: bytes


class Wire:
    """
    One connection to one server, opened when it is needed.

    aiohttp does more for each request, and needs three times as long; a million of them notice.
    Over TLS, unless there is no `context`.
    """

    def __init__(self, host: str, port: int, *, context: ssl.SSLContext | None) -> None:
        self._host = host
        self._port = port
        self._context = context
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(
        self, method: str, path: str, *, headers: dict[str, str], body: bytes = b""
    ) -> Reply:
        """
        Send a request; return its answer.

        :raises Broken: if there is none; the next call opens another connection
        """
        fields = {"Host": self._host, **headers}
        if body:
            fields["Content-Length"] = str(len(body))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {fields[name]}" for name in fields)]
        try:
            reader, writer = await self._connected()
            writer.write("\r\n".join(lines).encode() + _HEAD_END + body)
            return await self._answer(reader)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Broken(f"{type(error).__name__}: {error}") from error
        except BaseException:
            self.close()  # an answer that comes later must not be taken for the next one
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, ssl=self._context)
        return self._streams

    async def _answer(self, reader: asyncio.StreamReader) -> Reply:
        head = await reader.readuntil(_HEAD_END)
        status, length, token, closes = 0, 0, None, False
        for number, line in enumerate(head.split(b"\r\n")):
            lower = line[:24].lower()
            if number == 0:
                status = int(line.split(b" ", 2)[1])
            elif lower.startswith(_LENGTH):
                length = int(line[len(_LENGTH) :])
            elif lower.startswith(_TOKEN):
                token = line[len(_TOKEN) :].strip().decode()
            elif lower.startswith(b"connection: close"):
                closes = True
        body = await reader.readexactly(length)
        if closes:
            self.close()
        return Reply(status, token, body)
