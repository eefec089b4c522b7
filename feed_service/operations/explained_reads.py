"""A ReadDatabase that notes what it was asked, for who explains an operation."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from feed_service.database import ReadDatabase
from feed_service.errors import FeedError
from feed_service.fingerprints import fingerprint
from feed_service.operations.explanations import Run
from feed_service.statements import Readable, Reading, Statement, name_of_text, reading
from feed_service.watching import AT, Watch


class ExplainedReads(ReadDatabase):
    """Reads whose texts are noted as they were sent, and those that failed as well."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as of ReadDatabase.
        super().__init__(*args, **kwargs)
        self.failed: list[Run] = []
        self._written: dict[str, str] = {}
        """Texts with values in them, and the text that each was made of."""

    async def rows(self, statement: Readable, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        wanted = reading(statement)
        sent, given = wanted.given(values)
        if wanted.literal is not None:
            self._written[sent] = wanted.statement.text
        plain = Reading(_numbered(sent, given), wanted.row, None)
        started = perf_counter()
        try:
            return await super().rows(plain)
        except Exception as error:
            # Its message may hold a value.
            why = str(error) if isinstance(error, FeedError) else type(error).__name__
            self.failed.append(self._run(sent, given, perf_counter() - started, 0, AT.get(), why))
            raise

    def runs(self, watch: Watch) -> list[Run]:
        return [self._run(ran.text, ran.values, ran.seconds, ran.rows, ran.path) for ran in watch.recorded or ()]

    def _run(
        self, sent: str, values: Sequence[Any], seconds: float, rows: int, path: str, error: str | None = None
    ) -> Run:
        text = self._written.get(sent)
        mark = fingerprint(text or sent)
        name = f"{name_of_text(text or sent)}-{mark}"
        return Run(name, mark, sent, values, seconds, rows, path, text is not None, error)


def _numbered(text: str, values: Sequence[Any]) -> Statement:
    names = tuple(map(str, range(len(values))))
    return Statement(text, names, dict(zip(names, values, strict=True)))
