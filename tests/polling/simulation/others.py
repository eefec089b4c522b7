"""Those who write something else than posts: ties, comments and likes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.polling.simulation import documents
from tests.polling.simulation.conditional import Consistency
from tests.polling.simulation.writers import Work, Writer


@dataclass
class Tied(Writer):
    """A viewer who changes ties: what to read, and whom not to see."""

    authors: Sequence[str] = ()
    tags: Sequence[str] = ()
    consistency: Consistency = field(default_factory=Consistency)

    def works(self) -> Sequence[tuple[Work, int]]:
        return (
            (self.follow, 4), (self.unfollow, 2), (self.follow_tag, 2), (self.unfollow_tag, 2), (self.block, 1),
            (self.unblock, 2), (self.mute, 1), (self.unmute, 2), (self.move_on, 1),
        )  # fmt: skip

    async def follow(self) -> None:
        """One does not follow whom one blocks."""
        author = self.random.choice(self.authors)
        await self._tied(documents.UNBLOCK, author)
        await self._tied(documents.FOLLOW, author)

    async def unfollow(self) -> None:
        await self._tied(documents.UNFOLLOW, self.random.choice(self.authors))

    async def follow_tag(self) -> None:
        await self._told(documents.FOLLOW_TAGS, slugs=[self.random.choice(self.tags)])

    async def unfollow_tag(self) -> None:
        await self._told(documents.UNFOLLOW_TAGS, slugs=[self.random.choice(self.tags)])

    async def block(self) -> None:
        await self._tied(documents.BLOCK, self.random.choice(self.authors), hides=True)

    async def unblock(self) -> None:
        await self._tied(documents.UNBLOCK, self.random.choice(self.authors))

    async def mute(self) -> None:
        await self._tied(documents.MUTE, self.random.choice(self.authors), hides=True)

    async def unmute(self) -> None:
        await self._tied(documents.UNMUTE, self.random.choice(self.authors))

    async def move_on(self) -> None:
        """Nothing at all, for a while: polls find nothing."""
        await asyncio.sleep(3 * self.pause_s)

    async def _tied(self, document: str, author: str, *, hides: bool = False) -> None:
        """Whoever is blocked and muted is hidden until both are taken back, which is not looked at any closer."""
        if not hides:
            self.front.ledger.shows_again("between", self.who.id, author)
        at = await self._told(document, id=author)
        if hides:
            self.front.ledger.hidden("between", self.who.id, author, at=at)

    async def _told(self, document: str, **variables: Any) -> float:  # noqa: ANN401 - of the mutation.
        at, payload = await self.done(document, **variables)
        self.consistency.newest[self.who.id] = (payload["consistencyToken"], at)
        return at


@dataclass
class Talker(Writer):
    """Comments, answers, takes back and brings back, and likes posts: noise for feeds, news for threads."""

    threads: Sequence[str] = ()
    comments: list[tuple[str, str]] = field(default_factory=list)
    deleted: list[tuple[str, str]] = field(default_factory=list)

    def works(self) -> Sequence[tuple[Work, int]]:
        return (
            (self.comment, 4), (self.like, 3), (self.edit, 2 if self.comments else 0),
            (self.delete, 2 if self.comments else 0), (self.restore, 1 if self.deleted else 0),
        )  # fmt: skip

    async def comment(self) -> None:
        post_id, parent_id = self.random.choice([*((post_id, None) for post_id in self.threads), *self.comments])
        given = {"postId": post_id, "parentId": parent_id, "body": "Well said."}
        _, payload = await self.done(documents.CREATE_COMMENT, input=given)
        self.comments.append((post_id, payload["comment"]["id"]))

    async def edit(self) -> None:
        _, comment_id = self.random.choice(self.comments)
        text = f"Better said: {self.random.random()}"
        await self.done(documents.UPDATE_COMMENT, input={"id": comment_id, "body": text})

    async def delete(self) -> None:
        taken = self.comments.pop(self.random.randrange(len(self.comments)))
        await self.done(documents.DELETE_COMMENT, id=taken[1])
        self.deleted.append(taken)

    async def restore(self) -> None:
        taken = self.deleted.pop(self.random.randrange(len(self.deleted)))
        await self.done(documents.RESTORE_COMMENT, id=taken[1])
        self.comments.append(taken)

    async def like(self) -> None:
        await self.done(documents.LIKE, subjectId=self.random.choice(self.threads))
