"""Values that programs trip over: at the limits of their types, beside them, beyond them."""

from __future__ import annotations

from random import Random

NUMBERS = [
    0, -1, 1, 2, 7, 99, 100, 101, 999, 1_000, 1_001, 9_999_999_999,
    2**15 - 1, 2**15, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**53, 2**53 + 1,
    2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 10**18, 10**19, 10**30, -(10**30), 10**300,
    0.0, -0.0, 0.5, 1.0, 1.5, 1e-320, 1e308, -1e308, float("nan"), float("inf"), float("-inf"),
]  # fmt: skip
# As bytes of JSON, or as the text of a parameter: what no program writes by itself.
LITERALS = [
    b"1e5", b"1E+400", b"1e-400", b"-", b"+1", b"01", b".5", b"5.", b"0x10", b"1_000", b"1,5",
    b"NaN", b"-Infinity", b"1" * 400, b"1" * 5_000, b"0." + b"3" * 400, b"-0", b"1.0", b"1.50",
    b"1e0", b"9" * 19, b"0" * 30 + b"1", b"true", b"null", b"'", b'"', b"\\", b"//", b"/**/1",
]  # fmt: skip
DATES = [
    "0000-01-01", "0001-01-01", "1899-12-31", "1970-01-01", "2026-02-28", "2026-02-29",
    "2026-02-30", "2026-13-01", "2026-00-10", "2028-02-29", "2099-12-31", "9999-12-31",
    "10000-01-01", "-0001-01-01", "2026-4-1", "20260401", "2026-W14-3", "2026-092", "infinity",
    "-infinity", "now", "epoch", "today", "2026-04", "2026-4", "1900-01", "2100-01", "0000-00",
]  # fmt: skip
_TIMES = ["T00:00:00", "T10:00:00", "T23:59:59.999999999", "T23:59:60", "T24:00:00", "t10:00:00",
          " 10:00:00", "T10:00", "T10", "T1e1:00:00", ""]  # fmt: skip
_OFFSETS = [
    "Z", "z", "+00:00", "-00:00", "+08:00", "+14:00", "-14:00", "+15:59", "+16:00", "-16:00",
    "+23:59", "-23:59", "+24:00", "+0800", "+08", "+08:05:43", "", " +08:00", "[Asia/Shanghai]",
]  # fmt: skip
_SCRAPS = [
    "", " ", "\t", "\n", "\r\n", "\0", "\x01", "\x1b[31m", "\x7f", "\x85", "\xa0", "\xad",
    "\u200b", "\u200f", "\u2028", "\u202e", "\ufeff", "\ufffe", "\uffff", "\ud800", "\udc00",
    "\ue000", "\U0001f4a1", "\U0010ffff", "e\u0301", "ß", "İ", "ı", "K", "李明", "𠮷", "٣", "๓",
    "𝟙", "½", "'", '"', "`", ";--", "' OR '1'='1", "$1", "%s", "%(key)s", "%", "_", "\\", "\\x00",
    "{}", "{0}", "${x}", "{{7*7}}", "<script>", "]]>", "../../etc", "C:\\", "NULL", "None", "true",
    "undefined", "-", "+", "0", "-0", "1e5", "0x10", "1_000", "1.", ".1", "00", "1,000", "∞", "，",
    "=cmd()", "@x", "#", "?", "&", "a=b", "/", "//", "http:",
]  # fmt: skip
_LENGTHS = [1, 2, 9, 10, 11, 31, 32, 33, 64, 199, 200, 201, 255, 256, 400, 1_000, 1_001, 8_192]
_DEPTHS = [2, 30, 500, 1_100, 20_000, 200_000]


def text(random: Random) -> str:
    """Return a text: a scrap, several, a long one, a moment, a number."""
    match random.randrange(6):
        case 0:
            return "".join(random.choices(_SCRAPS, k=random.randrange(1, 6)))
        case 1:
            return random.choice(_SCRAPS[1:]) * random.choice(_LENGTHS)
        case 2:
            return moment(random)
        case 3:
            return str(random.choice(NUMBERS))
        case 4:
            return random.choice(LITERALS).decode()
        case _:
            return random.choice(_SCRAPS)


def moment(random: Random) -> str:
    """Return something like a moment, or like a day."""
    return random.choice(DATES) + random.choice([*_TIMES, "", "", ""]) + random.choice(_OFFSETS)


def any_value(random: Random) -> object:
    """Return any value of JSON."""
    return random.choice(
        [
            lambda: None,
            lambda: random.choice([True, False]),
            lambda: random.choice(NUMBERS),
            lambda: random.choice(NUMBERS),
            lambda: text(random),
            lambda: text(random),
            lambda: text(random),
            lambda: moment(random),
            list,
            dict,
            lambda: [text(random)],
            lambda: {text(random): text(random)},
            lambda: [None] * random.choice([1, 999, 1_000, 1_001]),
        ]
    )()


def nested(random: Random) -> bytes:
    """Return lists or objects inside each other, deeper than anybody means."""
    depth = random.choice(_DEPTHS)
    opening, closing = random.choice([(b"[", b"]"), (b'{"a":', b"}"), (b"[", b"")])
    return opening * depth + b"1" + closing * depth
