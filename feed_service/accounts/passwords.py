"""Passwords: hashed and compared with argon2id in threads of their own, and the same work done where there is none.

The parameters are OWASP's (Password Storage Cheat Sheet): 19 MiB of memory, two passes, one lane. A hash takes about
23 ms of one core (2026-11-21), so two threads take at most two cores and 38 MiB, however many people sign in at once.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from feed_service.errors import Overloaded

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

THREADS = 2

MOST_WAITING = 100
"""Hashes that may wait for a thread: over a second of work, after which it is kinder to refuse than to queue."""

PARAMETERS = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@dataclass(frozen=True)
class Verdict:
    """Whether the password is right; `new_hash` replaces a hash that was made with other parameters."""

    is_right: bool
    new_hash: str | None = None


class Passwords:
    """Both methods raise Overloaded while too many hashes wait."""

    def __init__(self, hasher: PasswordHasher = PARAMETERS) -> None:
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(THREADS, "argon2")
        self._waiting = 0
        # What everybody without a password is compared with. Nobody knows the password to it.
        self._nobody = hasher.hash(secrets.token_urlsafe())

    async def hashed(self, password: str) -> str:
        return await self._in_thread(self._hasher.hash, password)

    async def compared(self, password: str, stored_hash: str | None) -> Verdict:
        """With None, the same work is done as with a hash, and the answer is no."""
        verdict = await self._in_thread(self._compare, password, stored_hash or self._nobody)
        return verdict if stored_hash else Verdict(is_right=False)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _compare(self, password: str, stored_hash: str) -> Verdict:
        try:
            self._hasher.verify(stored_hash, password)
        except VerifyMismatchError:
            return Verdict(is_right=False)
        is_outdated = self._hasher.check_needs_rehash(stored_hash)
        return Verdict(is_right=True, new_hash=self._hasher.hash(password) if is_outdated else None)

    async def _in_thread(
        self, work: Callable[Arguments, Answer], *args: Arguments.args, **_: Arguments.kwargs
    ) -> Answer:
        if self._waiting >= MOST_WAITING:
            raise Overloaded("Too many people are signing in at the moment. Please try again in a few seconds.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._waiting -= 1
