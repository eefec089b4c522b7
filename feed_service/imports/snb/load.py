"""The import as a whole: one transaction, so that a second run meets all of a first one or nothing of it."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from feed_service.imports.derived import Scope, begin_epoch, refill
from feed_service.imports.report import Progress, Report
from feed_service.imports.snb import comments, links, things
from feed_service.imports.snb.files import SnbFiles
from feed_service.imports.snb.known import Known

IMPORT_LOCK = 7_305_002
"""Key of the advisory lock that lets one import run at a time; any number that is ours."""


async def import_snb(engine: AsyncEngine, directory: Path, *, strict: bool, progress: Progress) -> Report:
    """Load the data set in `directory`. What an earlier run has written is skipped.

    Bad rows are left out and reported; a row that refers to one of them is bad in turn.

    Raises:
        ConfigurationError: a file is missing or has other columns; nothing was read.
        RowRefused: `strict`, and a row is bad; nothing was written.
    """
    report = Report()
    files = SnbFiles(directory, report, progress, strict)
    files.check()
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = 0"))
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": IMPORT_LOCK})
        tags = await Known.load(connection, "tag", "tags")
        persons = await Known.load(connection, "person", "users")
        posts = await Known.load(connection, "post", "posts")
        replies = await Known.load(connection, "comment", "comments")
        await things.import_tags(connection, files, tags)
        await things.import_persons(connection, files, persons)
        await things.import_posts(connection, files, posts, persons)
        await comments.import_comments(connection, files, comments.Kinds(replies, posts, persons))
        await links.import_links(connection, files, {"T": tags, "U": persons, "P": posts, "C": replies})
        if report.written:
            await connection.execute(text("ANALYZE"))
            scope = Scope(*(list(known.local.values()) for known in (persons, posts, replies, tags)))
            await refill(connection, scope, progress)
            await begin_epoch(connection)
    files.count_unused()
    return report
