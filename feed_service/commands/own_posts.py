"""Posts as their authors and moderators find them: whole, and locked until the commit.

A stranger's post is not locked at all: whoever may not do a thing must not keep others from it either.
"""

from typing import Any

from sqlalchemy import func, select

from feed_service import models
from feed_service.commands.content import POST_ID, in_turn
from feed_service.commands.permissions import author_or_moderator, not_found, only_author, signed_in
from feed_service.commands.transaction import Transaction
from feed_service.queries import visibility
from feed_service.queries.prepared import SOMEBODY
from feed_service.transactions import compiled
from feed_service.viewer import Role, Viewer

post = models.Post

AUTHOR = compiled(select(post.author_id).where(post.id == POST_ID))
LOCKED = compiled(
    select(*post.__table__.columns, func.now().label("now"))
    .where(post.id == POST_ID, in_turn(func.pg_advisory_xact_lock))
    .with_for_update(key_share=True)
)
IS_SEEN = {
    viewer.is_moderator: compiled(select(post.id).where(post.id == POST_ID, visibility.post_accessible_to(viewer)))
    for viewer in (SOMEBODY, Viewer(0, Role.MODERATOR))
}


async def own_post(tx: Transaction, post_id: int) -> Any:  # noqa: ANN401 - a record.
    """The viewer's own post, with `now`. Raises Refused for others', and for one that is deleted."""
    only_author(tx.viewer, await _author_of(tx, post_id), "post")
    found = await tx.sql.row(LOCKED, post_id=post_id)
    if found["deleted_at"] is not None:
        raise not_found("post")
    return found


async def moderated_post(tx: Transaction, post_id: int) -> Any:  # noqa: ANN401 - a record.
    """The viewer's own post, or for a moderator any that was published; deleted ones, too. Raises Refused."""
    author_or_moderator(tx.viewer, await _author_of(tx, post_id), "post")
    return await tx.sql.row(LOCKED, post_id=post_id)


async def _author_of(tx: Transaction, post_id: int) -> int:
    """Raises Refused for a post that the viewer has not written and cannot see."""
    me, author_id = signed_in(tx.viewer), await tx.sql.value(AUTHOR, post_id=post_id)
    if author_id != me:
        seen = await tx.sql.row(IS_SEEN[tx.viewer.is_moderator], post_id=post_id, viewer_id=me)
        if seen is None:
            raise not_found("post")
    return int(author_id)
