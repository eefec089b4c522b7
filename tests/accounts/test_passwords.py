"""Passwords: the same work for everybody, off the event loop, and old hashes replaced."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters

from feed_service.accounts.passwords import MOST_WAITING, PARAMETERS, THREADS, Passwords, Verdict
from feed_service.errors import Overloaded

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Watched(PasswordHasher):
    """Notes which hash was compared, in which thread, and how many at a time."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.compared: list[str] = []
        self.threads: set[int] = set()
        self.most_at_once = 0
        self._now = 0
        self.gate = threading.Event()
        self.gate.set()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.compared.append(str(hash))
        self.threads.add(threading.get_ident())
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        self.gate.wait(5)
        self._now -= 1
        return super().verify(hash, password)


@pytest.fixture
def hasher() -> Watched:
    return Watched()


@pytest.fixture
def passwords(hasher: Watched) -> Iterator[Passwords]:
    passwords = Passwords(hasher)
    yield passwords
    hasher.gate.set()
    passwords.close()


@pytest.mark.parametrize("password", ["a horse", "Ä" * 200, "e\u0301", " spaces ", "\x00zero", "🦊" * 10])
async def test_a_password_is_kept_to_the_character(passwords: Passwords, password: str) -> None:
    stored = await passwords.hashed(password)
    assert await passwords.hashed(password) != stored
    assert await passwords.compared(password, stored) == Verdict(is_right=True)
    for other in (password + " ", password.upper() + "x", "", password.replace("e\u0301", "\u00e9") + "?"):
        assert await passwords.compared(other, stored) == Verdict(is_right=False)


async def test_composed_and_decomposed_letters_are_two_passwords(passwords: Passwords) -> None:
    assert not (await passwords.compared("\u00e9", await passwords.hashed("e\u0301"))).is_right


async def test_who_has_no_password_costs_as_much_and_is_never_right(passwords: Passwords, hasher: Watched) -> None:
    stored = await passwords.hashed("a horse")
    for known in (stored, None):
        hasher.compared.clear()
        assert not (await passwords.compared("a cow", known)).is_right
        assert len(hasher.compared) == 1
        assert extract_parameters(hasher.compared[0]) == extract_parameters(stored)


def test_what_is_stated_is_what_is_used() -> None:
    assert PARAMETERS.hash("a horse").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_hash_of_other_parameters_is_replaced_when_the_password_is_known(passwords: Passwords) -> None:
    old = PasswordHasher(time_cost=2, memory_cost=128, parallelism=1).hash("a horse")
    assert await passwords.compared("a cow", old) == Verdict(is_right=False)
    verdict = await passwords.compared("a horse", old)
    assert verdict.is_right
    assert verdict.new_hash is not None
    assert extract_parameters(verdict.new_hash) == extract_parameters(CHEAP.hash("x"))
    assert await passwords.compared("a horse", verdict.new_hash) == Verdict(is_right=True)


async def test_hashing_leaves_the_event_loop_free_and_stays_within_its_threads(
    passwords: Passwords, hasher: Watched
) -> None:
    stored = await passwords.hashed("a horse")
    hasher.gate.clear()
    waiting = [asyncio.create_task(passwords.compared("a horse", stored)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await passwords.compared("a horse", stored)
    hasher.gate.set()
    assert {verdict.is_right for verdict in await asyncio.gather(*waiting)} == {True}
    assert hasher.most_at_once <= THREADS
    assert threading.get_ident() not in hasher.threads
    assert (await passwords.compared("a horse", stored)).is_right


async def test_a_caller_who_leaves_makes_room(passwords: Passwords, hasher: Watched) -> None:
    stored = await passwords.hashed("a horse")
    hasher.gate.clear()
    waiting = [asyncio.create_task(passwords.compared("a horse", stored)) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    hasher.gate.set()
    assert (await passwords.compared("a horse", stored)).is_right
    assert len(hasher.compared) <= THREADS + 1
