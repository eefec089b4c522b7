"""What every command must leave behind: numbers equal to a recount, and nothing at all when it was refused."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.sql import FromClause

from feed_service import models
from feed_service.queries import derived, stats
from tests.world import World

DEFINITIONS = {
    models.PostStats: stats.post_numbers(),
    models.PostCommenter: stats.post_commenters(),
    models.PostRank: derived.post_ranks(),
    models.PostSearch: derived.post_documents(),
    models.PostTag: derived.tags_of_posts(),
    models.CommentStats: stats.comment_numbers(),
    models.CommentRank: derived.comment_ranks(),
    models.UserStats: stats.user_numbers(),
    models.TagStats: stats.tag_numbers(),
}


async def drift(world: World) -> dict[str, Any]:
    """(stored, recounted) rows by table, where they differ."""
    found: dict[str, Any] = {}
    for model, definition in DEFINITIONS.items():
        names = [column.name for column in definition.selected_columns]
        table: FromClause = model.__table__
        async with world.engine.connect() as connection:
            stored = {tuple(row) for row in await connection.execute(select(*(table.c[name] for name in names)))}
            wanted = {tuple(row) for row in await connection.execute(definition)}
        if stored != wanted:
            found[table.description] = (sorted(stored - wanted, key=str), sorted(wanted - stored, key=str))
    return found


async def contents(world: World, *only: type[models.Base]) -> Any:  # noqa: ANN401 - rows as dicts, or by table.
    """All rows of one table as dicts, or of all tables by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    tables = [model.__table__ for model in only] or models.Base.metadata.sorted_tables
    async with world.engine.connect() as connection:
        for table in tables:
            rows = await connection.execute(select(table).order_by(*table.primary_key))
            found[table.description] = [dict(row) for row in rows.mappings()]
    return next(iter(found.values())) if len(only) == 1 else found
