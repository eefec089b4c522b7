"""What the cache needs of a backend: this process's memory (`memory`), or Redis (`shared`)."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Item(NamedTuple):
    name: str
    value: bytes
    life_s: float


class Claim(NamedTuple):
    """`is_ours`: nobody else loads this. `kept`: what was there by then; `is_foreign`: another type of value."""

    is_ours: bool
    kept: bytes | None
    is_foreign: bool = False


class Backend(Protocol):
    """`is_shared`: with other processes, and what is sent there may get lost, and fail.

    `faults` are all that its operations raise then; those of them that are `refusals` come from a server that is well.
    """

    is_shared: bool
    faults: tuple[type[Exception], ...]
    refusals: tuple[type[Exception], ...]

    async def get_many(self, names: Sequence[str]) -> Sequence[bytes | None]: ...

    async def add_many(self, items: Sequence[Item]) -> None:
        """Those that are not there yet."""

    async def replace(self, item: Item, seen: bytes) -> None:
        """If what was seen is still there, byte for byte."""

    async def put_many(self, items: Sequence[Item]) -> None: ...

    async def delete_many(self, names: Sequence[str]) -> None: ...

    async def claim_many(self, names: Sequence[str], token: str, lease_s: float) -> list[Claim]: ...

    async def release_many(self, names: Sequence[str], token: str) -> None: ...

    async def lead(self, name: str, lease_s: float) -> bool: ...

    async def close(self) -> object: ...
