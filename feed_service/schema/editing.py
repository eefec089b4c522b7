"""What can be edited and deleted, and what it said before."""

from datetime import datetime
from typing import Any

import strawberry

from feed_service import loaders, models
from feed_service.paging import Order, Page
from feed_service.rows import is_a
from feed_service.schema.connections import (
    After,
    Before,
    Connection,
    ConnectionRow,
    First,
    Last,
    pages_under,
    requested_slice,
)
from feed_service.schema.context import Info
from feed_service.schema.enums import CannotEditReason
from feed_service.schema.ids import ids_of
from feed_service.schema.lazy import LazyUser
from feed_service.schema.levels import Rows, level
from feed_service.schema.loading import by_kind
from feed_service.schema.scalars import Markdown


@strawberry.type(
    description="An edit after publication. What was there before is shown to its author and to moderators only."
)
class ContentEdit:
    version: int = strawberry.field(description="The version that was replaced.")
    replaced_at: datetime = strawberry.field(description="When it was replaced by the next.")

    @level(graphql_type=LazyUser | None, description="Who edited it; null if they are gone.")
    async def editor(edits: Rows[models.ContentEdit], info: Info) -> list[models.User | None]:
        return await info.context.loaders.many(loaders.users.by_id, [edit.editor_id for edit in edits])

    @strawberry.field(description="The title before the edit; null for a comment.")
    def title(edit: strawberry.Parent[models.ContentEdit]) -> str | None:
        return edit.title if edit.is_text_shown else None

    @strawberry.field(description="The text before the edit.")
    def body(edit: strawberry.Parent[models.ContentEdit]) -> Markdown | None:
        return Markdown(edit.body) if edit.is_text_shown else None

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.ContentEdit)


def is_tombstone(row: Any) -> bool:  # noqa: ANN401 - a post or a comment.
    return is_a(row, models.Comment) and bool(row.is_tombstone)


def is_own(row: Any, info: Info) -> bool:  # noqa: ANN401 - a post or a comment.
    return not is_tombstone(row) and row.author_id == info.context.viewer.user_id


def cannot_edit_reasons(row: Any, info: Info) -> list[CannotEditReason]:  # noqa: ANN401 - a post or a comment.
    reasons = {
        CannotEditReason.NOT_AUTHOR: not is_own(row, info),
        CannotEditReason.DELETED: is_tombstone(row) or row.deleted_at is not None,
    }
    return [reason for reason, holds in reasons.items() if holds]


@strawberry.interface(description="What its author can edit.")
class Editable:
    @level(graphql_type=strawberry.ID, description="Opaque, and unique among everything.")
    def id(rows: Rows[Any]) -> list[strawberry.ID]:
        return ids_of(rows)

    version: int = strawberry.field(description="Counts the edits, from 1.")

    @strawberry.field(description="When it was last edited after publication; null if never.")
    def edited_at(parent: strawberry.Parent[Any]) -> datetime | None:
        return None if is_tombstone(parent) else parent.edited_at

    @level(graphql_type=Connection[ContentEdit], description="The edits since it was published, latest first.")
    async def edits(
        rows: Rows[Any],
        info: Info,
        first: First = strawberry.UNSET,
        after: After = strawberry.UNSET,
        last: Last = strawberry.UNSET,
        before: Before = strawberry.UNSET,
    ) -> list[ConnectionRow]:
        async def pages(of: list[Any], order: Order, batch: Any) -> list[ConnectionRow]:  # noqa: ANN401 - either's.
            part = requested_slice(info.context, order, first, after, last, before)
            shown = [row.id for row in of if not is_tombstone(row)]
            found = iter(await pages_under(info, shown, batch, order=order, part=part, nodes=loaders.edits.by_id))
            nothing = ConnectionRow([], Page([], has_more=False), part, order, has_none)
            return [nothing if is_tombstone(row) else next(found) for row in of]

        return await by_kind(
            rows,
            lambda posts: pages(posts, loaders.edits.POST_EDITS, loaders.edits.by_post_id),
            lambda comments: pages(comments, loaders.edits.COMMENT_EDITS, loaders.edits.by_comment_id),
        )

    @strawberry.field(description="Whether the viewer may edit it.")
    def viewer_can_edit(parent: strawberry.Parent[Any], info: Info) -> bool:
        return not cannot_edit_reasons(parent, info)

    @strawberry.field(description="Why the viewer may not; empty if `viewerCanEdit`.")
    def viewer_cannot_edit_reasons(parent: strawberry.Parent[Any], info: Info) -> list[CannotEditReason]:
        return cannot_edit_reasons(parent, info)


async def has_none(_part: object) -> bool:
    return False


@strawberry.interface(description="What its author and moderators can delete.")
class Deletable:
    @level(graphql_type=strawberry.ID, description="Opaque, and unique among everything.")
    def id(rows: Rows[Any]) -> list[strawberry.ID]:
        return ids_of(rows)

    @strawberry.field(description="When it was deleted; only moderators see what is.")
    def deleted_at(parent: strawberry.Parent[Any]) -> datetime | None:
        return None if is_tombstone(parent) else parent.deleted_at

    @strawberry.field(description="Whether the viewer may delete it.")
    def viewer_can_delete(parent: strawberry.Parent[Any], info: Info) -> bool:
        if is_tombstone(parent) or parent.deleted_at is not None:
            return False
        return is_own(parent, info) or info.context.viewer.is_moderator
