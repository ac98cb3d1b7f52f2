"""Which fields of an input are faulty, all of them rather than the first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

from service.domain.accounts import PAGE_MAX
from service.domain.errors import FaultyField, Invalid

T = TypeVar("T", bound=msgspec.Struct)
# PostgreSQL stores no NUL, receipts print no control characters.
Text = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=200, pattern=r"^(?![\s\S]*[\x00-\x1f\x7f])"),
]
# A moment says its offset from UTC, or two clients mean two different ones.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
# A number that the database can compare with; whether it is a bureau, the domain says.
BureauNumber = Annotated[int, msgspec.Meta(ge=0, le=999)]
MonthText = Annotated[Text, msgspec.Meta(extra_json_schema={"examples": ["2026-03"]})]
PageSize = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)]
_WHERE = re.compile(r" - at `\$(.*)`$")


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of a list is asked for."""

    limit: PageSize = 50
    cursor: Text | None = None


class ParameterInvalid(Invalid):
    """A parameter in the query string is unknown or malformed."""

    code = "PARAMETER_INVALID"
    hint = "Correct the parameters listed."


def parameters(found: Mapping[str, str | list[str]], kind: type[T]) -> T:
    """
    Return the parameters of a query string as a `kind`.

    :raises ParameterInvalid: naming every faulty one
    """
    try:
        return msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        fields = faulty_fields(found, kind, is_strict=False)
        raise ParameterInvalid(str(error), fields=fields) from error


def faulty_fields(
    found: object, kind: type[msgspec.Struct], *, is_strict: bool = True
) -> tuple[FaultyField, ...]:
    """
    Return what is wrong with each top-level field of `found` as a `kind`, in the order of `kind`.

    Of a list or a nested object, its first fault. Empty if `found` is no object at all.
    """
    if not isinstance(found, Mapping):
        return ()
    faults = []
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        if name not in found:
            faults.extend([FaultyField(name, "is missing")] if field.required else [])
            continue
        try:
            msgspec.convert(found[name], field.type, strict=is_strict)
        except msgspec.ValidationError as error:
            where = _WHERE.search(str(error))
            path = name + where[1] if where else name
            faults.append(FaultyField(path, _WHERE.sub("", str(error))))
    faults.extend(FaultyField(name, "is not known") for name in found if name not in fields)
    return tuple(faults)
