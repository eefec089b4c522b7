"""What has changed in a thread since a client asked last, and the token of a page of comments to begin with."""

from collections.abc import Sequence
from dataclasses import dataclass

import strawberry

from feed_service import loaders, models
from feed_service.polling import thread
from feed_service.polling.tail import Standing
from feed_service.polling.thread import ThreadPoll
from feed_service.polling.tokens import SyncToken as Stands
from feed_service.polling.tokens import of_thread
from feed_service.polling.told import Changes
from feed_service.polling.unread import at_tip
from feed_service.schema.connections import Connection, ConnectionRow
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_as, encode
from feed_service.schema.lazy import LazyComment
from feed_service.schema.polling import POLL_AFTER, ChangesRow, changes_asked_for, counted
from feed_service.schema.scalars import SyncToken
from feed_service.schema.selection import Selected, told_by

HOW_TO_GO_ON = "For `since` of threadChanges of the post: nothing between this page and the poll is lost."


@dataclass
class ThreadRow(ConnectionRow):
    """A page of the comments on a post. `standing`: of the log, from before it was read; None if nobody asks."""

    post_id: int
    standing: Standing | None

    @classmethod
    def of_each(
        cls, pages: Sequence[ConnectionRow], post_ids: Sequence[int], standing: Standing | None
    ) -> list["ThreadRow"]:
        return [
            cls(page.edges, page.page, page.part, page.order, page.has_items, post_id, standing)
            for page, post_id in zip(pages, post_ids, strict=True)
        ]


async def standing_for(info: Info) -> Standing | None:
    """To be asked before a page of comments is read, which may be told of again what it has just shown."""
    return await info.context.polling.tail.caught_up() if told_by(info, has_sync_token) else None


def has_sync_token(selected: Selected) -> bool:
    return "syncToken" in selected.names


def sync_token(row: ThreadRow, info: Info) -> SyncToken:
    assert row.standing is not None  # noqa: S101 - this very field was selected.
    return _written(info, row.post_id, at_tip(row.standing))


def _written(info: Info, post_id: int, token: Stands) -> SyncToken:
    return SyncToken(info.context.polling.tokens.encode(of_thread(post_id), info.context.viewer, token))


@strawberry.type(description="One page of a list of comments.")
class CommentConnection(Connection[LazyComment]):
    @strawberry.field(description=HOW_TO_GO_ON)
    def sync_token(row: strawberry.Parent[ThreadRow], info: Info) -> SyncToken:
        return sync_token(row, info)


@dataclass(frozen=True, slots=True)
class ThreadChangesRow(ChangesRow):
    post_id: int
    added: Sequence[models.Comment]
    updated: Sequence[models.Comment]


@strawberry.type(
    description="What has changed in the comments on a post, on every level. Comments are known by their ids, their "
    "`parent` says where they hang: one may come again, and an edited one among `added`."
)
class ThreadChanges:
    added: list[LazyComment] = strawberry.field(
        description="Comments to put into the thread, in its order, among them tombstones that hold others."
    )
    updated: list[LazyComment] = strawberry.field(
        description="Comments to replace where the thread shows them: edited, or tombstones from now on."
    )
    has_more: bool = strawberry.field(description="Whether there is more: ask again at once with `nextToken`.")
    reset_required: bool = strawberry.field(
        description="Whether to begin anew with a fresh page: the post, or somebody who takes part, was hidden or "
        "shown again, the viewer's blocks have changed, there is too much news, or the token is too old."
    )

    @strawberry.field(description="Ids of comments to take out of the thread, also of some that it may not show.")
    def removed_ids(row: strawberry.Parent[ThreadChangesRow]) -> list[strawberry.ID]:
        return [encode("Comment", comment_id) for comment_id in row.changes.removed]

    @strawberry.field(description="For `since` of the next question.")
    def next_token(row: strawberry.Parent[ThreadChangesRow], info: Info) -> SyncToken:
        return _written(info, row.post_id, row.changes.token)

    @strawberry.field(description=POLL_AFTER)
    def poll_after_seconds(row: strawberry.Parent[ThreadChangesRow], info: Info) -> int:
        found = row.changes
        return info.context.polling.thread_after_s(is_active=bool(found.added or found.updated or found.removed))


async def thread_changes(info: Info, post: str, since: SyncToken, first: int) -> ThreadChangesRow:
    """Raises BadUserInput or InvalidCursor."""
    first, context, post_id = changes_asked_for(first), info.context, decode_as("Post", post)
    reader = context.loaders.reader
    reader.reads.thread_polled(post_id)
    token = context.polling.tokens.decode(of_thread(post_id), context.viewer, since)
    poll = ThreadPoll(context.polling, reader, context.viewer, post_id, token, reader.is_fresh)
    found = await thread.changes(poll, first)
    is_empty = not (found.added or found.updated or found.removed)
    if not is_empty and await context.loaders.load(loaders.posts.by_id, post_id) is None:
        found = Changes(found.token, must_begin_anew=True)
    counted(info, found.outcome)
    added = await context.loaders.load_many(loaders.comments.shown_by_id, found.added)
    updated = await context.loaders.load_many(loaders.comments.shown_by_id, found.updated)
    return ThreadChangesRow(
        found, post_id, [one for one in added if one is not None], [one for one in updated if one is not None]
    )
