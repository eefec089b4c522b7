"""What ties a deleted account to others, taken away piece by piece with the numbers it moves: see `account_deletion`.

Each piece takes away up to `BATCH` rows and answers how many it found; there may be more while it finds any.
"""

from typing import Any

from sqlalchemy import BigInteger, Integer, any_, bindparam, delete, func, or_, select, tuple_

from feed_service import models
from feed_service.commands import content
from feed_service.commands.bookmarks import bookmark_counted
from feed_service.commands.follows import follow_counted
from feed_service.commands.likes import comment_like_counted, post_like_counted
from feed_service.commands.tag_follows import tag_follows_counted
from feed_service.commands.transaction import Change, Transaction
from feed_service.queries.batches import ids_parameter
from feed_service.transactions import Statement, compiled

BATCH = 500

GONE = bindparam("gone_id", type_=BigInteger)
LIMIT = bindparam("limit", type_=Integer)
IDS = ids_parameter("ids")

post_like, comment_like, bookmark = models.PostLike, models.CommentLike, models.Bookmark
collection, collected = models.BookmarkCollection, models.CollectedBookmark


def posts_of(link: type[models.PostLike | models.Bookmark]) -> Statement:
    """The posts, locked as by whoever likes or bookmarks them."""
    ids = select(link.post_id).where(link.user_id == GONE).order_by(link.post_id).limit(LIMIT)
    posts = select(models.Post.id, models.Post.author_id, models.Post.status, models.Post.deleted_at)
    return content.shared(posts.where(models.Post.id.in_(ids)).order_by(models.Post.id), models.Post)


def links_with(link: type[models.PostLike | models.Bookmark]) -> Statement:
    found = (link.user_id == GONE, link.post_id == any_(IDS))
    return compiled(delete(link).where(*found).returning(link.post_id))


LIKED_POSTS, BOOKMARKED_POSTS = posts_of(post_like), posts_of(bookmark)
UNLIKE_POSTS, UNBOOKMARK = links_with(post_like), links_with(bookmark)
_liked = select(comment_like.comment_id).where(comment_like.user_id == GONE).order_by(comment_like.comment_id)
LIKED_COMMENTS = content.shared(
    select(models.Comment.id, models.Comment.author_id, models.Comment.post_id)
    .where(models.Comment.id.in_(_liked.limit(LIMIT)))
    .order_by(models.Comment.id),
    models.Comment,
)
UNLIKE_COMMENTS = compiled(
    delete(comment_like)
    .where(comment_like.user_id == GONE, comment_like.comment_id == any_(IDS))
    .returning(comment_like.comment_id)
)

COLLECTIONS = compiled(
    select(collection.id).where(collection.user_id == GONE).order_by(collection.id).limit(LIMIT).with_for_update()
)
EMPTY_COLLECTIONS = compiled(delete(collected).where(collected.collection_id == any_(IDS)))
DROP_COLLECTIONS = compiled(delete(collection).where(collection.id == any_(IDS)))


async def post_likes(tx: Transaction, gone_id: int) -> int:
    posts = {row["id"]: row for row in await tx.sql.rows(LIKED_POSTS, gone_id=gone_id, limit=BATCH)}
    for row in await tx.sql.rows(UNLIKE_POSTS, gone_id=gone_id, ids=list(posts)):
        post_like_counted(tx, posts[row["post_id"]], -1)
    return len(posts)


async def comment_likes(tx: Transaction, gone_id: int) -> int:
    comments = {row["id"]: row for row in await tx.sql.rows(LIKED_COMMENTS, gone_id=gone_id, limit=BATCH)}
    for row in await tx.sql.rows(UNLIKE_COMMENTS, gone_id=gone_id, ids=list(comments)):
        comment_like_counted(tx, comments[row["comment_id"]], -1)
    return len(comments)


async def bookmarks(tx: Transaction, gone_id: int) -> int:
    posts = {row["id"]: row for row in await tx.sql.rows(BOOKMARKED_POSTS, gone_id=gone_id, limit=BATCH)}
    for row in await tx.sql.rows(UNBOOKMARK, gone_id=gone_id, ids=list(posts)):
        bookmark_counted(tx, posts[row["post_id"]], -1)
    return len(posts)


async def collections(tx: Transaction, gone_id: int) -> int:
    ids = [row["id"] for row in await tx.sql.rows(COLLECTIONS, gone_id=gone_id, limit=BATCH)]
    await tx.sql.run(EMPTY_COLLECTIONS, ids=ids)
    return await tx.sql.run(DROP_COLLECTIONS, ids=ids)


def some_of(model: type[models.Base], mine: str, order: tuple[str, ...]) -> Statement:
    """Deletes `:limit` rows whose column `mine` is the one who is gone, in an order that an index has."""
    columns = model.__table__.c
    key = tuple_(*model.__table__.primary_key)
    ordered = [columns[name].desc() if name == "created_at" else columns[name] for name in order]
    first = select(*model.__table__.primary_key).where(columns[mine] == GONE).order_by(*ordered).limit(LIMIT)
    return compiled(delete(model).where(key.in_(first)).returning(*model.__table__.primary_key))


UNFOLLOW = some_of(models.UserFollow, "follower_id", ("followee_id",))
LOSE_FOLLOWERS = some_of(models.UserFollow, "followee_id", ("created_at",))
UNFOLLOW_TAGS = some_of(models.TagFollow, "user_id", ("tag_id",))


async def following(tx: Transaction, gone_id: int) -> int:
    return _unfollowed(tx, await tx.sql.rows(UNFOLLOW, gone_id=gone_id, limit=BATCH))


async def followers(tx: Transaction, gone_id: int) -> int:
    return _unfollowed(tx, await tx.sql.rows(LOSE_FOLLOWERS, gone_id=gone_id, limit=BATCH))


def _unfollowed(tx: Transaction, rows: list[Any]) -> int:
    for row in rows:
        follow_counted(tx, row["follower_id"], row["followee_id"], -1)
    return len(rows)


async def tag_follows(tx: Transaction, gone_id: int) -> int:
    rows = await tx.sql.rows(UNFOLLOW_TAGS, gone_id=gone_id, limit=BATCH)
    tag_follows_counted(tx, gone_id, (row["tag_id"] for row in rows), -1)
    return len(rows)


view = models.PostView
_hours = select(view.hour).where(view.user_id == GONE).order_by(view.hour).offset(LIMIT).limit(1).scalar_subquery()
# Along the index of the user, which has the hours: keys of rows found before would be looked for in every partition.
FORGET_VIEWS = compiled(delete(view).where(view.user_id == GONE, view.hour <= func.coalesce(_hours, func.now())))


async def views(tx: Transaction, gone_id: int) -> int:
    """The posts keep their numbers of views, which tell nobody's name."""
    return await tx.sql.run(FORGET_VIEWS, gone_id=gone_id, limit=BATCH)


def some_between(model: type[models.Block | models.Mute], one: str, other: str) -> Statement:
    """Deletes `:limit` rows that have the one who is gone on either side."""
    columns = model.__table__.c
    theirs = or_(columns[one] == GONE, columns[other] == GONE)
    first = select(columns[one], columns[other]).where(theirs).limit(LIMIT)
    found = tuple_(columns[one], columns[other]).in_(first)
    return compiled(
        delete(model).where(found).returning(columns[one].label("one_id"), columns[other].label("other_id"))
    )


UNBLOCK = some_between(models.Block, "blocker_id", "blocked_id")
UNMUTE = some_between(models.Mute, "muter_id", "muted_id")


async def blocks(tx: Transaction, gone_id: int) -> int:
    """Whoever was on the other side has other feeds from now on."""
    rows = await tx.sql.rows(UNBLOCK, gone_id=gone_id, limit=BATCH)
    for row in rows:
        tx.changed(Change("block", "delete", row["other_id"], author_id=row["one_id"]))
        tx.changed(Change("block", "delete", row["one_id"], author_id=row["other_id"]))
    return len(rows)


async def mutes(tx: Transaction, gone_id: int) -> int:
    rows = await tx.sql.rows(UNMUTE, gone_id=gone_id, limit=BATCH)
    for row in rows:
        tx.changed(Change("mute", "delete", row["other_id"], author_id=row["one_id"]))
    return len(rows)
