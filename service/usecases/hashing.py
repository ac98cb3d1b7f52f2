"""Hashing passwords, in a thread beside the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import argon2
from gevent.threadpool import ThreadPool

from service.domain import passwords
from service.domain.errors import Busy

T = TypeVar("T")
# argon2id. Source: RFC 9106, section 4, whose second choice is 64 MiB; two passes of one lane cost
# 120 ms of a core here, which is 8 sign-ins a second of a process, a guess 10,000 times dearer than
# SHA-256. OWASP's least is 19 MiB with two passes (18 ms).
_MEMORY_KIB, _PASSES, _LANES = 65_536, 2, 1
# One at a time in a process: 64 MiB each, a core left for the other requests. Measured while
# passwords are hashed: the loop turns within 8 ms; hashed in the loop itself, after 780.
_THREADS = 1
# Waiting for the thread: four seconds' worth, what a person at a counter still waits for.
_WAITING_MAX = 32
# What nobody's password is compared with, so that a name nobody has takes as long as any other.
_NOBODYS = "nobody has this password"


class SignInsCrowded(Busy):
    """More people sign in at once than passwords can be compared."""

    code = "SIGN_INS_CROWDED"
    hint = "Send the same request again after the seconds in Retry-After."


class Hashing:
    """
    Makes the hashes of passwords, compares them, a few at a time.

    The library lets go of the interpreter while it works, so that other requests go on.
    """

    def __init__(self, *, memory_kib: int = _MEMORY_KIB, passes: int = _PASSES) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=_LANES
        )
        self._threads = ThreadPool(_THREADS)
        self._waiting = 0
        self._nobodys = self._hasher.hash(_NOBODYS)

    def hash(self, password: str) -> str:
        """
        Return the hash of a password, with its salt and costs.

        :raises SignInsCrowded: if too many wait for one
        """
        return self._apply(self._hasher.hash, passwords.normalised(password))

    def is_right(self, password: str, known: str | None) -> bool:
        """
        Tell if `password` is the one of the hash `known`; it takes as long where there is none.

        :raises SignInsCrowded: if too many wait for an answer
        """
        compared = known or self._nobodys
        is_same = self._apply(self._is_same, compared, passwords.normalised(password))
        return is_same and known is not None

    def _is_same(self, known: str, password: str) -> bool:
        """Compare in the thread, where gevent would log what is raised: a traceback a guess."""
        try:
            return self._hasher.verify(known, password)
        except argon2.exceptions.VerifyMismatchError:
            return False

    def _apply(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= _WAITING_MAX:
            raise SignInsCrowded(f"{self._waiting} others wait for their passwords")
        self._waiting += 1
        try:
            done: T = self._threads.apply(work, arguments)
        finally:
            self._waiting -= 1
        return done
