"""Transactions that stay open for long and commit late, by the commands of the service itself."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from feed_service.commands import editing_posts, posts
from feed_service.commands.editing_posts import PostChange
from feed_service.commands.posts import NewPost
from feed_service.commands.transaction import Transaction
from feed_service.errors import Unavailable
from feed_service.schema.ids import decode_as, encode
from feed_service.transactions import Statements, WriteDatabase
from feed_service.viewer import Viewer
from tests.polling.simulation.wire import Lost
from tests.polling.simulation.writers import Author

LONGEST_S = 3.0


@dataclass
class LateAuthor(Author):
    """As an author, but every transaction stays open for a while before it commits, with its events written or not.

    Nobody else uses the tags of a late author, or changes ties with one: whoever has numbers locked for so long keeps
    all others waiting, until those are refused.
    """

    database: WriteDatabase | None = None

    def works(self) -> Sequence[Any]:
        return ((self.create, 3), (self.edit, 1 if self.live else 0), (self.tag, 2 if self.live else 0),
                (self.delete, 2 if self.live else 0), (self.restore, 3 if self.deleted else 0))  # fmt: skip

    async def _created(self, **_: Any) -> Any:  # noqa: ANN401 - the post.
        self.written += 1
        new = NewPost(f"Late {self.written}", "Body.", self._some_tags())
        return {"id": encode("Post", await self._late(posts.create_post, new))}

    async def _updated(self, **change: Any) -> None:  # noqa: ANN401 - of the input.
        post_id = self._taken(self.live)
        await self._late(editing_posts.update_post, PostChange(decode_as("Post", post_id), **change))
        self.live.append(post_id)

    async def delete(self) -> None:
        post_id = self._taken(self.live)
        await self._late(posts.delete_post, decode_as("Post", post_id))
        self.front.ledger.hidden("post", post_id, at=time.monotonic())
        self.deleted.append(post_id)

    async def restore(self) -> None:
        post_id = self._taken(self.deleted)
        self.front.ledger.shows_again("post", post_id)
        await self._late(posts.restore_post, decode_as("Post", post_id))
        self.live.append(post_id)

    async def _late(self, command: Any, *args: Any) -> int:  # noqa: ANN401 - of a command.
        wait_s = self.random.uniform(0, LONGEST_S) * min(1.0, 4 * self.pause_s)
        has_written = self.random.random() < 0.5

        async def work(sql: Statements) -> int:
            transaction = Transaction(sql, Viewer(decode_as("User", self.who.id)), "late")
            answer = await command(transaction, *args)
            if not has_written:
                await asyncio.sleep(wait_s)
            await transaction.finish()
            if has_written:
                await asyncio.sleep(wait_s)
            return int(answer)

        assert self.database is not None
        self.front.counts["late"] += 1
        try:
            return await self.database.transact(work, is_repeatable=False)
        except Unavailable as error:
            raise Lost("It is not known what became of it.") from error


async def hold_open(url: str, is_over: asyncio.Event) -> None:
    """One transaction after the other that has an id and writes nothing: all the time, unless it is cut off."""
    while not is_over.is_set():
        try:
            connection = await asyncpg.connect(url.replace("+asyncpg", ""))
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute("SELECT pg_current_xact_id()")
            with suppress(TimeoutError):
                await asyncio.wait_for(is_over.wait(), 2 * LONGEST_S)
            await transaction.rollback()
            await connection.close()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await asyncio.sleep(LONGEST_S / 10)
