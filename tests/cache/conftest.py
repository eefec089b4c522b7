"""Caches that are closed after the test, and what they load from."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from feed_service.cache import breaker, read_through, store
from feed_service.cache.read_through import ReadThrough
from feed_service.observability import Metrics
from tests.cache.servers import Server, running

Connect = Callable[..., ReadThrough]


class Source:
    """What is cached: `[key, version]` for each key, slowly; `asked` holds every key it was asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.version = 1
        self.nothing: set[object] = set()

    async def __call__(self, keys: Sequence[object] = ("one",)) -> list[object]:
        self.asked += keys
        version = self.version
        await asyncio.sleep(0.01)
        return [None if key in self.nothing else [key, version] for key in keys]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture(params=["memory", "valkey"])
def cache_url(request: pytest.FixtureRequest) -> str:
    return "memory://" if request.param == "memory" else str(request.getfixturevalue("valkey_url"))


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Connect]:
    """As `read_through.connect`."""
    made: list[ReadThrough] = []

    def connected(url: str, metrics: Metrics | None = None) -> ReadThrough:
        made.append(read_through.connect(url, metrics))
        return made[-1]

    yield connected
    for cache in made:
        await cache.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    with running(made):
        yield made


OPERATION_S = store.OPERATION_S


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a cache that is well may take longer than it is given."""
    monkeypatch.setattr(store, "OPERATION_S", 5.0)


@pytest.fixture
def impatient(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - it comes after.
    """As in service, but a cache that was given up is looked for again at once."""
    monkeypatch.setattr(store, "OPERATION_S", OPERATION_S)
    monkeypatch.setattr(breaker, "PAUSE_S", 0.01)
