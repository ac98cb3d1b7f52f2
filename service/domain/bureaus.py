"""Bureaus: the parts of the utility that keep their customers apart."""

from __future__ import annotations

from service.domain.errors import Missing


class BureauUnknown(Missing):
    """No bureau has this number, or the caller may not see it."""

    code = "BUREAU_UNKNOWN"
    hint = "Send the number of a bureau that your token is valid for."
