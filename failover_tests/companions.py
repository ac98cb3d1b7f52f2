"""Companion programs of a drill, run inside the lab's network beside its clients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ha.lab.errors import LabFailed

# Where `python -m failover_tests…` finds this very package: the checkout, or the release.
_PACKAGES = Path(__file__).parents[1]

# SIGTERM, then this long to end; the load client first waits for its last answers (30 s).
_END_S = 40.0


class CompanionFailed(LabFailed):
    """A companion program of the drill ended before its time or badly."""


class Companion:
    """One running program; what it complains of goes to a file of the report's folder."""

    def __init__(self, process: subprocess.Popen[bytes], errors: Path) -> None:
        self._process = process
        self._errors = errors

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._process.pid

    def assert_running(self) -> None:
        """
        Do nothing if the program still runs.

        :raises CompanionFailed: if it does not; with the last lines of its complaint
        """
        if self._process.poll() is not None:
            raise CompanionFailed(self._complaint("ended too early"), log=self._errors)

    def end(self) -> None:
        """
        Ask the program to finish, and wait until it has.

        :raises CompanionFailed: if it does not in time, or its exit code is not 0
        """
        self._process.terminate()
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            raise CompanionFailed(self._complaint("did not end"), log=self._errors) from error
        if code != 0:
            raise CompanionFailed(self._complaint("ended badly"), log=self._errors)

    def kill(self) -> None:
        """End the program at once, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _complaint(self, what: str) -> str:
        lines = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"{self._errors.stem} {what}: {' / '.join(lines[-3:]) or 'it said nothing'}"


@contextmanager
def running(
    module: str, arguments: Sequence[str], *, namespace: str, errors: Path, secret: bytes = b""
) -> Iterator[Companion]:
    """Run `python -m module` in a network namespace; it is gone when the context is left."""
    argv = ["nsenter", f"--net=/run/netns/{namespace}", "--", sys.executable, "-m", module]
    with errors.open("wb") as complaints:
        process = subprocess.Popen(  # no shell; every argument is ours
            [*argv, *arguments],
            cwd=_PACKAGES,
            stdin=subprocess.PIPE,
            stdout=complaints,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    companion = Companion(process, errors)
    try:
        assert process.stdin is not None, "asked for above"
        process.stdin.write(secret)
        process.stdin.close()
        yield companion
    finally:
        companion.kill()
