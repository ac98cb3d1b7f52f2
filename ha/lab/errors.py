"""Errors of the lab: what went wrong, in words an operator can act on."""

from __future__ import annotations

from pathlib import Path


class LabFailed(Exception):
    """
    The lab could not do what was asked.

    `log_line` is the one line of a log that says why, `log` the file to read.
    """

    def __init__(self, message: str, *, log_line: str = "", log: Path | None = None) -> None:
        super().__init__(message)
        self.log_line = log_line
        self.log = log


class CommandFailed(LabFailed):
    """A command ended with an exit code other than 0, or not in time."""


class FaultWithoutEffect(LabFailed):
    """A fault was asked for, and what it should have broken still works."""
