"""What is done to a valid request to see whether anything breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from tests.fuzz import values
from tests.fuzz.drafts import Draft

_METHODS = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "QUERY",
    "PROPFIND", "WEBSOCKET", "get",
]  # fmt: skip
_MEDIA_TYPES = [
    "", "text/plain", "application/json; charset=utf-16", "APPLICATION/JSON", "json",
    "application/x-ndjson", "multipart/form-data", "application/json;", ";", "*/*",
    "application/x-www-form-urlencoded",
]  # fmt: skip
_HEADERS = [
    "Accept", "Accept-Encoding", "Consistency-Token", "Content-Encoding", "Cookie", "Expect",
    "Forwarded", "Host", "Idempotency-Key", "If-Match", "If-Modified-Since", "If-None-Match",
    "Origin", "Range", "Transfer-Encoding", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Http-Method-Override", "X-Request-Id", "X-Request-Start",
]  # fmt: skip
_TAGS = ['"', '""', "*", 'W/"', 'W/"x"', '"x", "y"', '"x" "y"', ",", '"\xff"', "x"]
_ADDRESSES = [
    "fe80::1%eth0", "::1", "::ffff:10.0.0.1", "1.2.3", "010.0.0.1", "[::1]:80", "10.0.0.1:5",
    "2001:db8::/32", "10.0.0.0/8", "unknown", ",", "10.0.0.1,",
]  # fmt: skip
_POSITIONS = [
    "00000001/0000000000000001", "0/0", "00000001", "FFFFFFFF/FFFFFFFFFFFFFFFF", "x/y",
    "00000001/0000000000000000", "٠٠٠٠٠٠٠١/0000000000000001",
]  # fmt: skip
_PATHS = [
    "", "/", "//", "%00", "%2F", "%2e%2e/", "%FF", "%E6%9D", "%", "%zz", ";a=b", "/.", "#x", "%0A",
    "/x", "\\", "%C0%80", "*",
]  # fmt: skip
_QUERIES = [
    "?", "&", "=", "&limit", "&limit=1&limit=2", "&limit[]=1", "&x=%zz", "&x=%FF", "&limit=%00",
    "&limit=1,2", "&;", "&=&=", "&cursor=AAAA", "&limit=+1", "&LIMIT=1",
]  # fmt: skip
_BODIES = [
    b"", b" ", b"null", b"[]", b"{}", b"0", b'""', b"\xff", b"\xef\xbb\xbf{}", b"\0", b"{}{}",
    b"\n\n", b"\r\n", b"a=b", "{}".encode("utf-16"), b'{"a":1,"a":2}', b"{" * 5_000,
]  # fmt: skip
_TOO_LARGE = b" " * ((8 << 20) + 1)
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")


def change(draft: Draft, random: Random) -> None:
    """Change one thing about a request."""
    random.choices(_KINDS, _WEIGHTS)[0](draft, random)


def _value(draft: Draft, random: Random) -> None:
    """Put anything in the place of a value of the body."""
    if draft.body is not None:
        draft.body = _replaced(draft.body, random, lambda _: values.any_value(random))


def _near(draft: Draft, random: Random) -> None:
    """Put in the place of a value of the body one that is nearly the same."""
    if draft.body is not None:
        draft.body = _replaced(draft.body, random, lambda value: _nearly(value, random))


def _shape(draft: Draft, random: Random) -> None:
    """Take a field away, add one, repeat an item, wrap one."""
    if draft.body is not None:
        draft.body = _replaced(draft.body, random, lambda value: _reshaped(value, random), leaves=0)


def _bytes(draft: Draft, random: Random) -> None:
    """Damage the body as bytes."""
    kind, spot = random.randrange(7), random.random()
    changes: list[Callable[[bytes], bytes]] = [
        lambda raw: raw[: int(len(raw) * spot)],
        lambda raw: _spliced(raw, spot, bytes([random.randrange(256)]), over=1),
        lambda raw: _spliced(raw, spot, random.choice(_BODIES), over=0),
        lambda _: random.choice(_BODIES),
        lambda raw: _NUMBER.sub(lambda _: random.choice(values.LITERALS), raw, count=1),
        lambda raw: re.sub(rb"(?<=:)[^:]*$", lambda _: values.nested(random) + b"}", raw, count=1),
        lambda raw: raw + _TOO_LARGE if spot < 0.02 else raw * 2,
    ]
    draft.raw.append(changes[kind])


def _parameter(draft: Draft, random: Random) -> None:
    """Change a parameter of the query, add one, take one away."""
    if not draft.query or random.random() < 0.2:
        name = random.choice(["limit", "cursor", "on", "since", "number", values.text(random)])
        draft.query.append((name, values.text(random)))
        return
    spot = random.randrange(len(draft.query))
    name, value = draft.query[spot]
    draft.query[spot] = random.choice(
        [
            (name, values.text(random)),
            (name, values.moment(random)),
            (name, str(_nearly(value, random))),
            (values.text(random), value),
        ]
    )
    if random.random() < 0.1:
        del draft.query[spot]


def _segment(draft: Draft, random: Random) -> None:
    """Change a part of the path."""
    spot = random.randrange(len(draft.segments))
    found = draft.segments[spot]
    draft.segments[spot] = random.choice([values.text(random), str(_nearly(found, random))])


def _target(draft: Draft, random: Random) -> None:
    """Damage the path, or the query, as it is written."""
    scrap = random.choice(_PATHS + _QUERIES)
    spot = random.choice([0.0, 0.5, 1.0, 1.0])
    draft.target_raw.append(
        lambda target: target[: int(len(target) * spot)] + scrap + target[int(len(target) * spot) :]
    )


def _header(draft: Draft, random: Random) -> None:
    """Send a header that means something, with something that means nothing."""
    name = random.choice(_HEADERS)
    pool = {"If-None-Match": _TAGS, "If-Match": _TAGS, "X-Forwarded-For": _ADDRESSES,
            "Consistency-Token": _POSITIONS}.get(name, ["0", "9" * 13, "x" * 300])  # fmt: skip
    draft.headers[name] = random.choice([values.text(random), random.choice(pool)])


def _media(draft: Draft, random: Random) -> None:
    """Say that the body is something else, or longer, or of no length."""
    if random.random() < 0.5:
        draft.headers["Content-Type"] = random.choice(_MEDIA_TYPES)
    else:
        draft.headers["Content-Length"] = random.choice(
            ["0", "1", "10000000", "99999999999999999999"]
        )


def _token(draft: Draft, random: Random) -> None:
    """Show another token, a damaged one, none."""
    found = draft.headers.get("Authorization", "Bearer ")
    draft.headers["Authorization"] = random.choice(
        [
            "", "Bearer", "Bearer  ", "Basic eDp5", values.text(random), found[:-1], found + "=",
            found.swapcase(), found + "." + "A" * 40, found.replace("_", "_limited_", 1),
            "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6W119.e30.e30",
            "Bearer eyJ" + "W" * 300 + ".e30.c2ln", "Bearer " + _spread(found, random),
        ]
    )  # fmt: skip


def _key(draft: Draft, random: Random) -> None:
    """Send no Idempotency-Key, one of somebody else, one that is none."""
    draft.headers["Idempotency-Key"] = random.choice(
        ["", "fuzz-the-same", "x" * 255, "x" * 256, "a b", values.text(random)]
    )


def _method(draft: Draft, random: Random) -> None:
    draft.method = random.choice(_METHODS)


_KINDS: list[Callable[[Draft, Random], None]]
_KINDS = [
    _value, _near, _shape, _bytes, _parameter, _segment, _target, _header, _media, _token, _key,
    _method,
]  # fmt: skip
_WEIGHTS = [30, 20, 10, 10, 18, 8, 8, 10, 4, 8, 5, 4]


def _replaced(
    value: object, random: Random, new: Callable[[object], object], *, leaves: float = 0.9
) -> object:
    """Return `value` with one thing inside it, or itself, replaced."""
    stops = random.random() > leaves if leaves else random.random() < 0.4
    if isinstance(value, dict) and value and not stops:
        name = random.choice(list(value))
        return value | {name: _replaced(value[name], random, new, leaves=leaves)}
    if isinstance(value, list) and value and not stops:
        spot = random.randrange(len(value))
        changed = _replaced(value[spot], random, new, leaves=leaves)
        return [*value[:spot], changed, *value[spot + 1 :]]
    return new(value)


def _nearly(value: object, random: Random) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return random.choice([value + 1, value - 1, -value, value * 10, value // 2, str(value)])
        case str():
            return _nearly_text(value, random)
        case _:
            return [value]


def _nearly_text(value: str, random: Random) -> str:
    spot = random.randrange(len(value) + 1)
    return random.choice(
        [
            value[:spot] + values.text(random) + value[spot:],
            value[:spot] + value[spot + 1 :],
            value[:spot] + str(random.randrange(10)) + value[spot + 1 :],
            value[:spot],
            value * 2,
            value.upper(),
            value + " ",
            re.sub(
                r"(Z|[+-]\d\d:\d\d)$", random.choice(["+16:00", "-23:59", "", "+08:00:01"]), value
            ),
            "-" + value,
        ]
    )


def _reshaped(value: object, random: Random) -> object:
    if isinstance(value, dict) and value:
        name = random.choice(list(value))
        rest = {other: kept for other, kept in value.items() if other != name}
        return random.choice(
            [rest, value | {values.text(random): 1}, rest | {name.upper(): value[name]}, [value]]
        )
    if isinstance(value, list):
        return random.choice([[], value * 2, (value * 1_001)[:2_000], [value], value[:-1]])
    return random.choice([[value], {"value": value}])


def _spliced(raw: bytes, spot: float, new: bytes, *, over: int) -> bytes:
    at = int(len(raw) * spot)
    return raw[:at] + new + raw[at + over :]


def _spread(token: str, random: Random) -> str:
    letters = list(token.removeprefix("Bearer "))
    random.shuffle(letters)
    return "".join(letters)
