"""What connects the rows of the data set: follows, interests, tags of posts, likes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service.imports.copy import copy_rows
from feed_service.imports.snb.files import Refused, SnbFiles
from feed_service.imports.snb.known import Known
from feed_service.imports.snb.values import moment
from feed_service.models.threads import EPOCH

Pair = tuple[int, int, datetime]

INCOMING = "CREATE TEMPORARY TABLE incoming (one bigint, other bigint, at timestamptz) ON COMMIT DROP"


@dataclass(frozen=True)
class Link:
    """`between` names the kinds of the first two columns; `stored` is the table, `select` what goes into it."""

    kind: str
    file: str
    between: str
    stored: str
    select: str = "SELECT one, other, at FROM incoming"
    is_mutual: bool = False


LINKS = (
    Link(
        "follows",
        "dynamic/person_knows_person",
        "UU",
        "user_follows (follower_id, followee_id, created_at)",
        is_mutual=True,
    ),
    # An interest has no date of its own; it is as old as its person.
    Link(
        "interests",
        "dynamic/person_hasInterest_tag",
        "UT",
        "tag_follows (user_id, tag_id, created_at)",
        "SELECT one, other, created_at FROM incoming JOIN users ON id = one",
    ),
    Link(
        "tags of posts",
        "dynamic/post_hasTag_tag",
        "PT",
        "post_tags (post_id, tag_id, author_id, published_at, is_deleted)",
        "SELECT one, other, author_id, published_at, deleted_at IS NOT NULL FROM incoming JOIN posts ON id = one",
    ),
    Link("likes of posts", "dynamic/person_likes_post", "UP", "post_likes (user_id, post_id, created_at)"),
    Link("likes of comments", "dynamic/person_likes_comment", "UC", "comment_likes (user_id, comment_id, created_at)"),
)


async def import_links(connection: AsyncConnection, files: SnbFiles, kinds: dict[str, Known]) -> None:
    await connection.execute(text(INCOMING))
    for link in LINKS:
        await connection.execute(text("TRUNCATE incoming"))
        parse = pair_of(link, kinds[link.between[0]], kinds[link.between[1]])
        pairs = (pair for _, pair in files.rows(link.kind, link.file, parse))
        sent = await copy_rows(connection, "incoming", ("one", "other", "at"), both_ways(pairs, link))
        statement = f"INSERT INTO {link.stored} {link.select} ON CONFLICT DO NOTHING"
        result = await connection.execute(text(statement))
        tally = files.report.kind(link.kind)
        tally.written += result.rowcount
        tally.skipped += sent - result.rowcount


def pair_of(link: Link, ones: Known, others: Known) -> Callable[[list[str]], Pair]:
    met: set[tuple[int, int]] = set()

    def pair(values: list[str]) -> Pair:
        one, other = ones.id_of(values[0]), others.id_of(values[1])
        if link.is_mutual and one == other:
            raise Refused("nobody follows themselves")
        if (one, other) in met:
            raise Refused("it repeats an earlier line")
        met.add((one, other))
        return one, other, moment(values[2]) if len(values) > 2 else EPOCH

    return pair


def both_ways(pairs: Iterator[Pair], link: Link) -> Iterator[Pair]:
    """Who knows somebody is known by them: one line of the file is two follows."""
    for one, other, at in pairs:
        yield one, other, at
        if link.is_mutual:
            yield other, one, at
