"""Comments of the data set, parents before their replies."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service import models
from feed_service.imports.copy import copy_rows, new_ids
from feed_service.imports.snb.authors import Attached, authors_of
from feed_service.imports.snb.files import Place, Refused, SnbFiles
from feed_service.imports.snb.known import Known
from feed_service.imports.snb.values import known_id, moment
from feed_service.models.threads import microseconds, placed

COMMENT = ("id", "post_id", "author_id", "parent_id", "reply_to_id", "path", "body", "created_at")


@dataclass(frozen=True)
class Kinds:
    comments: Known
    posts: Known
    persons: Known


@dataclass(frozen=True, slots=True)
class Reply:
    """A new comment as the files tell it; `answers` is a comment's id in the data set, or None for the post."""

    place: Place
    external_id: str
    author_id: int
    body: str
    created_at: datetime
    answers: str | None
    post_id: int | None


Spots = dict[str, tuple[int, bytes | None]]
"""Id in the data set -> (post, path) of what can be answered."""


async def import_comments(connection: AsyncConnection, files: SnbFiles, kinds: Kinds) -> None:
    authors = authors_of(files, "comments", kinds.comments, kinds.persons)
    on_posts, on_comments = parents_of(files, kinds)
    replies: dict[str, Reply] = {}

    def comment(values: list[str]) -> tuple[str, int, str, datetime] | None:
        external_id = kinds.comments.new(values[0])
        if external_id is None:
            return None
        if external_id not in on_posts.lines and external_id not in on_comments.lines:
            raise Refused("it answers nothing")
        return external_id, authors.of(external_id), values[4], moment(values[1])

    for place, (external_id, author, body, created) in files.rows("comments", "dynamic/comment", comment):
        post = int(on_posts.lines[external_id][1]) if external_id in on_posts.lines else None
        answers = str(on_comments.lines[external_id][1]) if post is None else None
        replies[external_id] = Reply(place, external_id, author, body, created, answers, post)
    spots = await spots_of_known(connection, kinds.comments, replies)
    await write_replies(connection, files, kinds.comments, list(in_order(replies, spots)), spots)
    for reply in replies.values():
        if reply.external_id not in kinds.comments.local:
            files.refuse("comments", reply.place, why_unreachable(reply, replies))
    for attached in (authors, on_posts, on_comments):
        attached.refuse_unknown()


def parents_of(files: SnbFiles, kinds: Kinds) -> tuple[Attached, Attached]:
    """What each new comment answers: (those that answer posts, those that answer comments)."""
    on_posts = Attached(files, "replies to posts", kinds.comments)
    on_comments = Attached(files, "replies to comments", kinds.comments)

    def on_post(values: list[str]) -> tuple[str, int] | None:
        external_id = on_posts.new(values[0])
        return None if external_id is None else (external_id, kinds.posts.id_of(values[1]))

    def on_comment(values: list[str]) -> tuple[str, str] | None:
        external_id = on_comments.new(values[0])
        if external_id in on_posts.lines:
            raise Refused(f"comment {external_id} answers a post already")
        return None if external_id is None else (external_id, known_id(values[1]))

    for place, (external_id, post) in files.rows(on_posts.kind, "dynamic/comment_replyOf_post", on_post):
        on_posts.lines[external_id] = place, post
    for place, (external_id, answered) in files.rows(on_comments.kind, "dynamic/comment_replyOf_comment", on_comment):
        on_comments.lines[external_id] = place, answered
    return on_posts, on_comments


async def spots_of_known(connection: AsyncConnection, comments: Known, replies: dict[str, Reply]) -> Spots:
    """The places of earlier runs' comments that new ones answer."""
    answered = {reply.answers for reply in replies.values() if reply.answers in comments.local}
    by_id = {comments.local[external_id]: external_id for external_id in answered if external_id is not None}
    comment = models.Comment
    rows = await connection.execute(
        select(comment.id, comment.post_id, comment.path).where(
            comment.id == any_(literal(list(by_id), ARRAY(BigInteger)))
        )
    )
    return {by_id[comment_id]: (post_id, path) for comment_id, post_id, path in rows}


def in_order(replies: dict[str, Reply], spots: Spots) -> Iterator[Reply]:
    """Every comment whose thread reaches a post, after the one that it answers."""
    below: defaultdict[str, list[Reply]] = defaultdict(list)
    for reply in replies.values():
        if reply.answers is not None:
            below[reply.answers].append(reply)
    ready = deque(reply for reply in replies.values() if reply.answers is None or reply.answers in spots)
    while ready:
        reply = ready.popleft()
        yield reply
        ready.extend(below[reply.external_id])


async def write_replies(
    connection: AsyncConnection, files: SnbFiles, comments: Known, ordered: list[Reply], spots: Spots
) -> None:
    ids = await new_ids(connection, "comments", len(ordered))

    def row(comment_id: int, reply: Reply) -> tuple[Any, ...]:
        post_id, answered = spots[reply.answers] if reply.answers is not None else (int(reply.post_id or 0), None)
        parent, answers, path = placed(answered, microseconds(reply.created_at), comment_id)
        spots[reply.external_id] = post_id, path
        return comment_id, post_id, reply.author_id, parent, answers, path, reply.body, reply.created_at

    rows = [row(comment_id, reply) for comment_id, reply in zip(ids, ordered, strict=True)]
    files.report.kind("comments").written += await copy_rows(connection, "comments", COMMENT, rows)
    await comments.note(connection, zip((reply.external_id for reply in ordered), ids, strict=True))


def why_unreachable(reply: Reply, replies: dict[str, Reply]) -> str:
    """Follow the answers up: they end at a comment that is not there, or come back."""
    met = {reply.external_id}
    answered = reply.answers
    while answered is not None and answered in replies and answered not in met:
        met.add(answered)
        answered = replies[answered].answers
    if answered in replies:
        return "its thread runs in a circle and never reaches a post"
    return f"its thread hangs on comment {answered}, which is missing"
