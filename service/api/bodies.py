"""Bodies of requests: decoded into what each endpoint declares, within limits."""

from __future__ import annotations

import hashlib
import re
import time
from typing import Generic, TypeVar

import msgspec
from gevent import Timeout

from service.api.errors import Malformed, MediaTypeUnsupported, TooLarge, TooSlow
from service.api.requests import Request
from service.api.validation import faulty_fields
from service.domain.access_tokens import Keys
from service.domain.errors import Invalid
from service.domain.idempotency import Once

T = TypeVar("T", bound=msgspec.Struct)
# A batch of 1,000 readings is 150 kB.
JSON_MAX_BYTES = 1 << 20
# An import of 10,000 accounts is 4 MB.
NDJSON_MAX_BYTES = 8 << 20
JSON = "application/json"
NDJSON = "application/x-ndjson"
# What msgspec raises for what is not JSON in UTF-8, or nested deeper than anything we ask for.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class BodyTooLarge(TooLarge):
    """A body has more bytes than its resource reads."""

    code = "BODY_TOO_LARGE"
    hint = "Split it into several requests."


class BodyTooSlow(TooSlow):
    """A body was not whole by the time that its request had to be answered."""

    code = "BODY_TOO_SLOW"
    hint = "Send less at once, with the same Idempotency-Key if it is the same request."


class BodyIncomplete(Malformed):
    """A connection ended in the middle of a body."""

    code = "BODY_INCOMPLETE"
    hint = "Send the whole request again, with the same Idempotency-Key."


class BodyMalformed(Malformed):
    """A body is not JSON in UTF-8."""

    code = "BODY_MALFORMED"
    hint = "Send JSON (RFC 8259) encoded in UTF-8."


class BodyInvalid(Invalid):
    """A body is JSON, but not what the resource expects."""

    code = "BODY_INVALID"
    hint = "Correct the fields listed; unknown fields are refused too."


class KeyMissing(Malformed):
    """A request that acts came without what makes it safe to repeat."""

    code = "IDEMPOTENCY_KEY_MISSING"
    hint = "Send an Idempotency-Key of 1 to 255 visible ASCII characters, fresh for each new act."


class JsonBody(Generic[T]):
    """Reads the body of a POST as one `T`."""

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, req: Request, *, keys: Keys | None = None) -> tuple[Once, T]:
        """
        Return what makes the request recognisable, beside what it asks.

        :param keys: for a body with a password in it, whose plain hash could be guessed from
        :raises KeyMissing: if there is no usable Idempotency-Key
        :raises MediaTypeUnsupported: if it does not say it is JSON
        :raises BodyTooLarge: if it has more than `JSON_MAX_BYTES`
        :raises BodyMalformed: if it is not JSON in UTF-8
        :raises BodyInvalid: naming every faulty field
        """
        raw = read(req, media_type=JSON, at_most_bytes=JSON_MAX_BYTES)
        return once(req, raw, keys=keys), self._decoded(raw)

    def _decoded(self, raw: bytes) -> T:
        try:
            return self._decoder.decode(raw)
        except msgspec.ValidationError as error:
            # The decoder stops at the first fault, before it knows that the rest is JSON at all.
            fields = faulty_fields(_any(raw), self.kind)
            raise BodyInvalid(str(error), fields=fields) from error
        except UNREADABLE as error:
            raise BodyMalformed(f"the body cannot be read: {error}") from error


def _any(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE as error:
        raise BodyMalformed(f"the body cannot be read: {error}") from error


def read_lines(req: Request) -> tuple[Once, list[bytes]]:
    """
    Return what makes the request recognisable, beside the lines of its NDJSON body.

    :raises KeyMissing: if there is no usable Idempotency-Key
    :raises MediaTypeUnsupported: if it does not say it is NDJSON
    :raises BodyTooLarge: if it has more than `NDJSON_MAX_BYTES`
    """
    raw = read(req, media_type=NDJSON, at_most_bytes=NDJSON_MAX_BYTES)
    return once(req, raw), raw.split(b"\n")


def read(req: Request, *, media_type: str, at_most_bytes: int) -> bytes:
    """
    Return the body, never reading more than a byte beyond what is allowed.

    :raises MediaTypeUnsupported: if its Content-Type is not `media_type`
    :raises BodyTooLarge: if it has more than `at_most_bytes`
    :raises BodyTooSlow: if it has not come by the request's deadline
    :raises BodyIncomplete: if it ended before it was whole
    """
    sent = (req.content_type or "nothing").partition(";")[0].strip().lower()
    if sent != media_type:
        raise MediaTypeUnsupported(f"the Content-Type is {sent}, not {media_type}")
    length = req.content_length
    if length is not None and length > at_most_bytes:
        raise BodyTooLarge(f"the body has {length} bytes, more than {at_most_bytes}")
    # Without a length the body came in chunks, which end by themselves.
    raw = _received(req, at_most_bytes + 1 if length is None else length)
    # gunicorn hands over what came when the client went away: half an import must not count.
    if length is not None and len(raw) < length:
        raise BodyIncomplete(f"the body ended after {len(raw)} of {length} bytes")
    if len(raw) > at_most_bytes:
        raise BodyTooLarge(f"the body has more than {at_most_bytes} bytes")
    return raw


def _received(req: Request, size_bytes: int) -> bytes:
    """Return what comes of a body until the request's deadline; a byte now and then is too slow."""
    left_s = max(0.0, req.deadline - time.monotonic())
    try:
        with Timeout(left_s, BodyTooSlow("the body did not come whole in time")):
            received: bytes = req.stream.read(size_bytes)
    except OSError as error:
        raise BodyIncomplete(f"the body ended early: {error}") from error
    return received


def once(req: Request, raw: bytes, *, keys: Keys | None = None) -> Once:
    """
    Return what makes a request recognisable when it comes again.

    :raises KeyMissing: if there is no usable Idempotency-Key
    """
    key = req.get_header("Idempotency-Key", default="")
    if not _KEY.fullmatch(key):
        raise KeyMissing(f"Idempotency-Key is {key[:40]!r}")
    asked = f"{req.method} {req.path}\n".encode() + raw
    if keys is not None:
        return Once(key, keys.fingerprint("request", asked.hex()))
    return Once(key, hashlib.sha256(asked).digest())
