"""Capital amounts: sums of money in the characters that nobody can alter with a stroke."""

from __future__ import annotations

from collections.abc import Iterator

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")
_GROUP = 10_000
_FEN_PER_YUAN, _FEN_PER_JIAO = 100, 10


def capital_amount(amount_fen: int) -> str:
    """
    Write an amount as vouchers have to: `人民币壹佰柒拾壹元柒角整` for 17,170 fen.

    Source: 支付结算办法 (PBC 1997 no. 393), annex 1, articles 1 to 4.
    """
    yuan, rest_fen = divmod(abs(amount_fen), _FEN_PER_YUAN)
    jiao, fen = divmod(rest_fen, _FEN_PER_JIAO)
    assert yuan < _GROUP ** len(_GROUPS), "there are characters for so much"
    text = f"{_whole(yuan)}元" if yuan else ""
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif fen and yuan:
        text += _DIGITS[0]
    text += f"{_DIGITS[fen]}分" if fen else "整"
    sign = "负" if amount_fen < 0 else ""
    return f"人民币{sign}{text if amount_fen else '零元整'}"


def _whole(yuan: int) -> str:
    """Write whole yuan, none at all as nothing; zeros in a row are one, a group ends with none."""
    return "".join(_parts(yuan))


def _parts(yuan: int) -> Iterator[str]:
    has_begun = is_zero_due = False
    for number in reversed(range(len(_GROUPS))):
        group = yuan // _GROUP**number % _GROUP
        for place in reversed(range(len(_PLACES))):
            digit = group // 10**place % 10
            if not digit:
                is_zero_due = has_begun
                continue
            yield (_DIGITS[0] if is_zero_due else "") + _DIGITS[digit] + _PLACES[place]
            has_begun, is_zero_due = True, False
        if group:
            yield _GROUPS[number]
