"""Tags, persons and posts of the data set."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service import models
from feed_service.imports.snb.authors import authors_of
from feed_service.imports.snb.files import Refused, SnbFiles
from feed_service.imports.snb.known import SOURCE, Known
from feed_service.imports.snb.values import moment, title_of
from feed_service.slugs import free_slug, slug_of

Named = tuple[str, tuple[Any, ...]]
"""(id in the data set, values to store)."""

USER = ("username", "display_name", "created_at")
POST = ("author_id", "slug", "title", "body", "language", "status", "created_at", "updated_at", "published_at")
ROWS_AT_ONCE = 50_000


async def import_tags(connection: AsyncConnection, files: SnbFiles, tags: Known) -> None:
    """All tags. Slugs are given by ascending id, so that the same tag gets the `-2` wherever it stands in the file."""
    taken = set(await connection.scalars(select(models.Tag.slug)))

    def tag(values: list[str]) -> Named | None:
        external_id = tags.new(values[0])
        return None if external_id is None else (external_id, (values[1],))

    named = sorted((row for _, row in files.rows("tags", "static/tag", tag)), key=lambda row: int(row[0]))
    rows: list[Named] = []
    for external_id, (name,) in named:
        slug = free_slug(slug_of(name), taken)
        taken.add(slug)
        rows.append((external_id, (slug, name)))
    files.report.kind("tags").written += await tags.write(connection, ("slug", "name"), rows)


async def import_persons(connection: AsyncConnection, files: SnbFiles, persons: Known) -> None:
    lowered = func.lower(models.User.username)
    taken = set(await connection.scalars(select(lowered).where(lowered.startswith(SOURCE))))

    def person(values: list[str]) -> Named | None:
        external_id = persons.new(values[0])
        if external_id is None:
            return None
        username = f"{SOURCE}{external_id}"
        if username in taken:
            raise Refused(f"the username {username} belongs to somebody else")
        return external_id, (username, f"{values[1]} {values[2]}", moment(values[5]))

    rows = (row for _, row in files.rows("persons", "dynamic/person", person))
    await write_in_parts(connection, files, "persons", persons, USER, rows)


async def import_posts(connection: AsyncConnection, files: SnbFiles, posts: Known, persons: Known) -> None:
    authors = authors_of(files, "posts", posts, persons)
    taken = set(await connection.scalars(select(models.Post.slug).where(models.Post.slug.startswith(f"{SOURCE}-"))))

    def post(values: list[str]) -> Named | None:
        external_id = posts.new(values[0])
        if external_id is None:
            return None
        slug = f"{SOURCE}-{external_id}"
        if slug in taken:
            raise Refused(f"the slug {slug} belongs to another post")
        return external_id, (authors.of(external_id), slug, *post_text(values))

    rows = (row for _, row in files.rows("posts", "dynamic/post", post))
    await write_in_parts(connection, files, "posts", posts, POST, rows)
    authors.refuse_unknown()


def post_text(values: list[str]) -> tuple[Any, ...]:
    """A picture has the name of its file as title and no body; any other post the beginning of its text."""
    _, image, created, _, _, language, content, _ = values
    if not (content or image):
        raise Refused("it has neither a text nor an image")
    at = moment(created)
    return title_of(content) if content else image, content, language or None, "published", at, at, at


async def write_in_parts(
    connection: AsyncConnection,
    files: SnbFiles,
    kind: str,
    known: Known,
    columns: tuple[str, ...],
    rows: Iterator[Named],
) -> None:
    """So many rows at once that memory holds them, whatever the size of the file."""
    while part := list(islice(rows, ROWS_AT_ONCE)):
        files.report.kind(kind).written += await known.write(connection, columns, part)
