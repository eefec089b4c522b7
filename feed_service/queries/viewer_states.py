"""What stands between the viewer and posts or users: one statement for a page, never joined into its listing."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, select, true

from feed_service import models
from feed_service.queries.batches import Ids, each
from feed_service.queries.visibility import Id, blocked_between, id_of
from feed_service.viewer import Viewer

OF_POSTS = frozenset({"has_liked", "has_bookmarked", "has_commented", "is_blocked", "hidden_comment_count"})
OF_USERS = frozenset({"is_following", "follows_viewer", "is_blocking", "is_blocked_by", "is_muting"})


def of_posts(viewer: Viewer, post_ids: Ids, wanted: frozenset[str] = OF_POSTS) -> Select[*tuple[Any, ...]]:
    """(post_id, and of `OF_POSTS` what is wanted).

    `is_blocked`: there is a block between viewer and author. `hidden_comment_count`: counted comments by people on the
    other side of a block.
    """
    post_id = each(post_ids).c.parent_id
    return select(post_id.label("post_id"), *of_post(viewer, post_id, wanted))


def of_post(viewer: Viewer, post_id: Id, wanted: frozenset[str]) -> list[ColumnElement[Any]]:
    """Of `OF_POSTS` what is wanted, as columns of a statement that has the id."""
    me = id_of(viewer)
    like, bookmark, commenter = models.PostLike, models.Bookmark, models.PostCommenter
    has_commented = (commenter.post_id == post_id) & (commenter.user_id == me) & (commenter.n > 0)
    post = models.Post.__table__.alias().c
    author_is_blocked = (post.id == post_id) & post.author_id.in_(blocked_between(viewer))
    hidden = (
        select(func.coalesce(func.sum(commenter.n), 0))
        .where(commenter.post_id == post_id, commenter.user_id.in_(blocked_between(viewer)))
        .correlate_except(commenter)
    )
    states = {
        "has_liked": _exists(like.user_id, (like.post_id == post_id) & (like.user_id == me)),
        "has_bookmarked": _exists(bookmark.user_id, (bookmark.post_id == post_id) & (bookmark.user_id == me)),
        "has_commented": _exists(commenter.user_id, has_commented),
        "is_blocked": _exists(post.id, author_is_blocked),
        "hidden_comment_count": hidden.scalar_subquery(),
    }
    return _those(states, wanted)


def of_users(viewer: Viewer, user_ids: Ids, wanted: frozenset[str] = OF_USERS) -> Select[*tuple[Any, ...]]:
    """(user_id, and of `OF_USERS` what is wanted)."""
    me = id_of(viewer)
    follow, block, mute = models.UserFollow, models.Block, models.Mute
    user_id = each(user_ids).c.parent_id

    def holds(source: Any, target: Any) -> ColumnElement[bool]:  # noqa: ANN401 - two columns of one table.
        return _exists(source, (source == me) & (target == user_id))

    states = {
        "is_following": holds(follow.follower_id, follow.followee_id),
        "follows_viewer": holds(follow.followee_id, follow.follower_id),
        "is_blocking": holds(block.blocker_id, block.blocked_id),
        "is_blocked_by": holds(block.blocked_id, block.blocker_id),
        "is_muting": holds(mute.muter_id, mute.muted_id),
    }
    return select(user_id.label("user_id"), *_those(states, wanted))


def _those(states: Mapping[str, ColumnElement[Any]], wanted: frozenset[str]) -> list[ColumnElement[Any]]:
    return [state.label(name) for name, state in states.items() if name in wanted]


def _exists(column: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:  # noqa: ANN401 - any column of the table.
    """One look into an index, of a unique key. EXISTS could be answered by a hash of all that the viewer ever liked."""
    found = select(true()).where(condition).correlate_except(column.table)
    return func.coalesce(found.scalar_subquery(), false())
