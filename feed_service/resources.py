"""What one process holds open from its start to its end: connections, the cache, what it remembers, and its counts."""

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, Self

from feed_service.cache import read_through
from feed_service.cache.read_through import ReadThrough
from feed_service.commands.views import Views
from feed_service.database import ReadDatabase
from feed_service.exports.stream import ExportDatabase
from feed_service.jobs import observations, views, worker
from feed_service.loaders.batching import Reader
from feed_service.loaders.entities import Entities
from feed_service.loaders.generations import Generations
from feed_service.loaders.warming import warming
from feed_service.observability import Metrics
from feed_service.operations import gauges
from feed_service.operations.explaining import PlanFinder
from feed_service.operations.slow_log import SlowLog
from feed_service.polling import epochs
from feed_service.polling.tail import Tail
from feed_service.reasons import reason
from feed_service.settings import Settings
from feed_service.stopping import Stopping
from feed_service.transactions import WriteDatabase
from feed_service.viewer import ANONYMOUS
from feed_service.worker_metrics import Workers

log = logging.getLogger(__name__)

TELL_S = 5.0
"""How old the numbers of other workers may be in `/metrics`."""


CLOSE_S = 2.0
"""How long each of them may take to be closed: a server that has vanished without a word never says goodbye."""


class Closing(Protocol):
    async def close(self) -> None: ...


@dataclass(frozen=True)
class Resources:
    url: str
    settings: Settings
    metrics: Metrics
    database: ReadDatabase
    writing: WriteDatabase
    exporting: ExportDatabase
    cache: ReadThrough
    tail: Tail
    entities: Entities
    slow_log: SlowLog
    workers: Workers | None
    generations: Generations = field(default_factory=Generations)
    views: Views = field(default_factory=Views)

    @classmethod
    def of(cls, url: str, settings: Settings) -> Self:
        """Opens nothing yet: connections are made when they are first needed."""
        metrics, seeing = Metrics(), settings.seeing
        meters = metrics.meters
        pool_size = settings.running.pool_size
        database = ReadDatabase.connect(url, pool_size=pool_size, meters=meters)
        writing = WriteDatabase.connect(url, pool_size=pool_size, meters=meters)
        meters.pools = {"read": database.gate, "write": writing.gate}
        tail = Tail(database, partial(epochs.renew, writing))
        meters.log_lag_s = lambda: tail.lag_s
        entities = Entities(tail if settings.keeps_entities else None)
        metrics.entities.tallies = {kind: kept.tally for kind, kept in entities.by_kind.items()}
        meters.slow = slow_log = SlowLog(
            PlanFinder(url).fingerprint_of, statement_s=seeing.slow_statement_s, operation_s=seeing.slow_operation_s
        )
        if seeing.traces_url:
            # Only then: the libraries take 12 MB.
            meters.spans = importlib.import_module("feed_service.tracing").Spans.to(seeing.traces_url)
        return cls(
            url,
            settings,
            metrics,
            database,
            writing,
            ExportDatabase.connect(url),
            read_through.connect(settings.cache_url, metrics),
            tail,
            entities,
            slow_log,
            Workers(seeing.metrics_dir) if seeing.metrics_dir else None,
        )

    async def metrics_text(self) -> bytes:
        """What this process has counted, or all workers, and how the database stands."""
        figures = await gauges.figures(self.database)
        text = self.workers.total(self.metrics.registry) if self.workers else self.metrics.text()
        return text + self.metrics.text_of(figures)

    @asynccontextmanager
    async def open(self, remembering: AbstractAsyncContextManager[None], stopping: Stopping) -> AsyncIterator[None]:
        """With all that runs beside the requests: what it has in hand is finished before connections are closed."""
        async with AsyncExitStack() as beside:
            await beside.enter_async_context(views.writing(self.writing, self.views))
            await beside.enter_async_context(observations.kept(self.writing, self.metrics))
            await beside.enter_async_context(remembering)
            await beside.enter_async_context(warming(Reader(self.database, self.cache, ANONYMOUS, self.generations)))
            if self.workers:
                await beside.enter_async_context(self._telling(self.workers))
            if self.settings.does_jobs:
                working = await beside.enter_async_context(worker.working(self.url, self.metrics.meters))
                stopping.when_begun(working.stop)
            yield
        for one in (self.tail, self.slow_log, self.cache, self.exporting, self.writing, self.database):
            await _closed(one)
        if self.metrics.meters.spans is not None:
            await asyncio.to_thread(self.metrics.meters.spans.close)

    @asynccontextmanager
    async def _telling(self, workers: Workers) -> AsyncIterator[None]:
        def tell() -> None:
            try:
                workers.tell(self.metrics.registry)
            except OSError as error:
                # As on a disk that is full: the process serves and stops all the same.
                log.warning("What was counted could not be left for other workers: %s", reason(error))

        async def regularly() -> None:
            while True:
                tell()
                await asyncio.sleep(TELL_S)

        telling = asyncio.create_task(regularly())
        yield
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        tell()


async def _closed(one: Closing) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await one.close()
    except TimeoutError:
        log.warning("%s is left as it is: whoever is at its other end says nothing.", type(one).__name__)
