"""What every resolver may use: the viewer, the loaders, the cursors and the writer of this request; the desk; views."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Concatenate, ParamSpec, TypeVar

import strawberry

from feed_service.accounts.desk import Desk
from feed_service.commands.transaction import Command, Writer
from feed_service.commands.views import Views
from feed_service.errors import BadUserInput, InvalidCursor
from feed_service.loaders import positions
from feed_service.loaders.batching import Loaders, Reader
from feed_service.paging import Cursors, Order
from feed_service.polling.parts import Polling
from feed_service.viewer import Viewer

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

CONSISTENCY = Order("ConsistencyToken", "it")

RECENT = timedelta(seconds=10)
"""What was written before that is known everywhere, even if clocks are seconds apart."""


@dataclass
class Context:
    loaders: Loaders
    cursors: Cursors
    writer: Writer
    desk: Desk
    views: Views
    polling: Polling

    @property
    def viewer(self) -> Viewer:
        return self.loaders.reader.viewer

    async def write(
        self, command: Command[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """Run a command. What this request and polls have loaded before it may be old now, and is loaded again."""
        answer = await self.writer.run(command, *args, **kwargs)
        self._forget()
        return answer

    async def at_the_desk(
        self,
        work: Callable[Concatenate[Writer, Desk, Arguments], Awaitable[Answer]],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Answer:
        """As `write`, for what takes more than one command: see `commands.signing_in`."""
        answer = await work(self.writer, self.desk, *args, **kwargs)
        self._forget()
        return answer

    def _forget(self) -> None:
        self.loaders = Loaders(self.loaders.reader)
        self.polling.tail.outdate()

    async def consistency_token(self) -> str:
        """What is written by now, this request's own mutation included."""
        written = await positions.written(self.loaders.reader)
        return self.cursors.encode(CONSISTENCY, (written, datetime.now(UTC)))


def is_recent(cursors: Cursors, token: str) -> bool:
    """Whether what a ConsistencyToken stands for may be newer than a cache knows. Raises BadUserInput."""
    if not token:
        return False
    try:
        _, minted_at = cursors.decode(CONSISTENCY, token)
    except InvalidCursor:
        raise BadUserInput("The header Feed-Consistency must be a consistencyToken of this service.") from None
    return bool(datetime.now(UTC) - minted_at < RECENT)


def make_context(
    reader: Reader, cursors: Cursors, writer: Writer, desk: Desk, views: Views, polling: Polling
) -> Context:
    """The context of one request. Call it inside the running loop."""
    return Context(Loaders(reader), cursors, writer, desk, views, polling)


Info = strawberry.Info[Context, None]
