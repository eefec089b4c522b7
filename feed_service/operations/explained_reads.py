"""A ReadDatabase that notes what it was asked, for who explains an operation."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from feed_service.database import ReadDatabase
from feed_service.errors import FeedError
from feed_service.operations.runs import Run
from feed_service.statements import Readable, reading
from feed_service.watching import AT, Ran, Watch


class ExplainedReads(ReadDatabase):
    """Notes the reads that failed as well: a watch is told of those that did not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as of ReadDatabase.
        super().__init__(*args, **kwargs)
        self.failed: list[Run] = []

    async def rows(self, statement: Readable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        started = perf_counter()
        try:
            return await super().rows(statement, values)
        except Exception as error:
            wanted = reading(statement)
            sent, given = wanted.given(values)
            ran = Ran(wanted.statement.text, sent, tuple(given), perf_counter() - started, 0, AT.get())
            # The message of another error may hold a value.
            self.failed.append(Run.of(ran, str(error) if isinstance(error, FeedError) else type(error).__name__))
            raise

    def runs(self, watch: Watch) -> list[Run]:
        return [*map(Run.of, watch.recorded or ()), *self.failed]
