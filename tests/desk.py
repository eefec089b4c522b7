"""A desk for tests: cheap hashes, keys of its own, and mails that are kept instead of sent."""

from argon2 import PasswordHasher

from feed_service.accounts.desk import Desk
from feed_service.accounts.keys import SigningKeys
from feed_service.accounts.mail import Mail, Outbox
from feed_service.accounts.passwords import Passwords
from feed_service.accounts.token_keys import TokenKeys, new_token_key, token_key_of

CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def desk_for_tests(mails: list[Mail], hasher: PasswordHasher = CHEAP) -> Desk:
    keys = [token_key_of(new_token_key())]
    return Desk(SigningKeys(TokenKeys(lambda: keys), b"s" * 32), Passwords(hasher), Outbox(mails.append, pause_s=0))


class Watched(PasswordHasher):
    """Counts what it hashes and compares."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.hashed = self.compared = 0

    def forget(self) -> None:
        self.hashed = self.compared = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.hashed += 1
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002
        self.compared += 1
        return super().verify(hash, password)
