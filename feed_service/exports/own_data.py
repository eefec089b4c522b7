"""What the service holds of one user, in the words and ids of the API. What others wrote, or did, is theirs."""

from collections.abc import Iterator

from sqlalchemy import BigInteger, ColumnElement, Label, Text, case, func, literal

from feed_service import models
from feed_service.database import ReadDatabase
from feed_service.errors import NotFound
from feed_service.exports.source import Source
from feed_service.queries.exports import (
    Column,
    Section,
    account_named,
    collections_of_bookmark,
    done_to,
    global_id,
    stream_of,
    tags_of_post,
    version_by,
    viewed_by,
    who_deleted,
)

Me = ColumnElement[int]

LEFT_OUT = {
    "audit_events.actor_id": "what the user did is found by its stream, which holds nobody else's acts",
    "audit_events.owner_id": "what is sealed for the user stands in the events about them",
    "audit_keys.user_id": "the key itself; what it opens is exported",
    "blocks.blocked_id": "theirs who blocked",
    "bulks.created_by_id": "lines of an admin's about others",
    "change_log.actor_id": "for pollers; goes soon, and what it tells of stands in its own table",
    "change_log.author_id": "for pollers; goes soon, and what it tells of stands in its own table",
    "collected_bookmarks.user_id": "exported with the bookmarks",
    "comments.deleted_by_id": "an act of moderation, which stands in the audit trail",
    "content_edits.editor_id": "found by what was edited, whose author is the only one who edits it",
    "idempotency_keys.user_id": "random numbers of the client's, kept for a day",
    "jobs.created_by_id": "orders of admins and of the service",
    "mailed_tokens.user_id": "secrets; the address stands in the account",
    "mutes.muted_id": "theirs who muted",
    "post_commenter.user_id": "follows from the comments",
    "post_rank.author_id": "follows from the posts",
    "post_search.author_id": "follows from the posts",
    "post_tags.author_id": "exported as the tags of the posts",
    "posts.deleted_by_id": "an act of moderation, which stands in the audit trail",
    "user_follows.followee_id": "theirs who follow",
    "user_stats.user_id": "numbers that follow from what is exported, and from what others did",
}
"""Columns that name a user, by which nothing is found here, and why; a test finds those that are missing."""


def own_data(user_id: int) -> Source:
    me = literal(user_id, BigInteger)
    sections = [*identity(me), *content(me), *reactions(me), *relations(me), *history(me)]
    return Source("me", {"types": [section.kind for section in sections]}, sections, user_id=user_id)


async def own_data_of(database: ReadDatabase, username: str) -> Source:
    """Also of somebody suspended, who cannot ask. Raises NotFound when there is nobody of this name."""
    for (user_id,) in await database.rows(account_named(username)):
        return own_data(user_id)
    raise NotFound(f"There is no user named {username}.")


def identity(me: Me) -> Iterator[Section]:
    """Who the user is, and how that is proved: without any secret."""
    yield profile(me)
    account, session, identity = models.Account, models.Session, models.ExternalIdentity
    told = in_api(
        email=account.email,
        emailConfirmedAt=account.email_confirmed_at,
        passwordChangedAt=account.password_changed_at,
    )
    yield Section("account", account.__table__, [account.user_id], told, [account.user_id == me])
    told = in_api(
        id=global_id("Session", session.id),
        createdAt=session.created_at,
        refreshedAt=session.refreshed_at,
        expiresAt=session.expires_at,
    )
    yield Section("session", session.__table__, [session.id], told, [session.user_id == me])
    told = in_api(issuer=identity.issuer, subject=identity.subject, createdAt=identity.created_at)
    key = [identity.issuer, identity.subject]
    yield Section("externalIdentity", identity.__table__, key, told, [identity.user_id == me])


def profile(me: Me) -> Section:
    user = models.User
    told = in_api(
        id=global_id("User", user.id),
        username=user.username,
        displayName=user.display_name,
        bio=user.bio,
        avatarUrl=user.avatar_url,
        role=user.role,
        createdAt=user.created_at,
        suspendedAt=user.suspended_at,
    )
    return Section("profile", user.__table__, [user.id], told, [user.id == me])


def content(me: Me) -> Iterator[Section]:
    """Also what is deleted, as long as it is there."""
    yield posts(me)
    yield comments(me)
    edit = models.ContentEdit
    told = in_api(
        postId=global_id("Post", edit.post_id),
        commentId=global_id("Comment", edit.comment_id),
        version=edit.version,
        title=edit.title,
        body=edit.body,
        replacedAt=edit.replaced_at,
    )
    yield Section("edit", edit.__table__, [edit.id], told, [version_by(me)])


def posts(me: Me) -> Section:
    post = models.Post
    told = in_api(
        id=global_id("Post", post.id),
        slug=post.slug,
        title=post.title,
        body=post.body,
        language=post.language,
        tags=tags_of_post(),
        categoryId=global_id("Category", post.category_id),
        status=func.upper(post.status),
        createdAt=post.created_at,
        updatedAt=post.updated_at,
        publishedAt=case((post.status != "draft", post.published_at)),
        editedAt=post.edited_at,
        deletedAt=post.deleted_at,
        deletedBy=who_deleted(post, me),
        version=post.version,
    )
    return Section("post", post.__table__, [post.id], told, [post.author_id == me])


def comments(me: Me) -> Section:
    comment = models.Comment
    told = in_api(
        id=global_id("Comment", comment.id),
        postId=global_id("Post", comment.post_id),
        parentId=global_id("Comment", comment.reply_to_id),
        body=comment.body,
        createdAt=comment.created_at,
        editedAt=comment.edited_at,
        deletedAt=comment.deleted_at,
        deletedBy=who_deleted(comment, me),
        version=comment.version,
    )
    return Section("comment", comment.__table__, [comment.id], told, [comment.author_id == me])


def reactions(me: Me) -> Iterator[Section]:
    like, comment_like = models.PostLike, models.CommentLike
    told = in_api(subjectId=global_id("Post", like.post_id), createdAt=like.created_at)
    yield Section("postLike", like.__table__, [like.post_id], told, [like.user_id == me])
    told = in_api(subjectId=global_id("Comment", comment_like.comment_id), createdAt=comment_like.created_at)
    yield Section("commentLike", comment_like.__table__, [comment_like.comment_id], told, [comment_like.user_id == me])
    shelf, bookmark = models.BookmarkCollection, models.Bookmark
    told = in_api(id=global_id("BookmarkCollection", shelf.id), name=shelf.name, createdAt=shelf.created_at)
    yield Section("bookmarkCollection", shelf.__table__, [shelf.id], told, [shelf.user_id == me])
    told = in_api(
        postId=global_id("Post", bookmark.post_id), savedAt=bookmark.saved_at, collectionIds=collections_of_bookmark()
    )
    yield Section("bookmark", bookmark.__table__, [bookmark.post_id], told, [bookmark.user_id == me])


def relations(me: Me) -> Iterator[Section]:
    tag = models.TagFollow
    told = in_api(tagId=global_id("Tag", tag.tag_id), createdAt=tag.created_at)
    yield toward_user("follow", me, models.UserFollow.follower_id, models.UserFollow.followee_id)
    yield Section("tagFollow", tag.__table__, [tag.tag_id], told, [tag.user_id == me])
    yield toward_user("block", me, models.Block.blocker_id, models.Block.blocked_id)
    yield toward_user("mute", me, models.Mute.muter_id, models.Mute.muted_id)


def history(me: Me) -> Iterator[Section]:
    """What the user read, did, and was done to by those who run the site: not by whom."""
    view, event = models.PostView, models.AuditEvent
    told = in_api(postId=global_id("Post", view.post_id), hour=view.hour)
    yield Section("postView", view.__table__, [view.hour, view.post_id], told, [viewed_by(me)])
    told = in_api(
        at=event.at,
        action=event.action,
        subjectKind=event.subject_kind,
        subjectId=event.subject_id,
        requestId=event.request_id,
        facts=event.facts,
        private=of_owner(event, me),
    )
    mine = [event.stream == stream_of(me)]
    yield Section("audit", event.__table__, [event.number], told, mine, sealed="private")
    # The hash is a key that tells neither the stream nor the place in it.
    key: list[Column] = [event.at, func.encode(event.hash, literal("hex"), type_=Text)]
    told = in_api(at=event.at, action=event.action, facts=event.facts, private=of_owner(event, me))
    yield Section("moderation", event.__table__, key, told, [done_to(me)], sealed="private")


def of_owner(event: type[models.AuditEvent], me: Me) -> ColumnElement[bytes | None]:
    return case((event.owner_id == me, event.private))


def toward_user(kind: str, me: Me, source: Column, target: Column) -> Section:
    table = source.table
    told = in_api(userId=global_id("User", target), createdAt=table.c.created_at)
    return Section(kind, table, [target], told, [source == me])


def in_api(**columns: Column | ColumnElement[object]) -> list[Label[object]]:
    """The columns under the names that the API has for them."""
    return [column.label(name) for name, column in columns.items()]
