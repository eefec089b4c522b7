"""What every other test builds on: databases that are migrated, empty, and apart from each other."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.scratch import execute

INSERT = "INSERT INTO tags (name, slug) VALUES ('Music', 'music')"


async def tag_ids(url: str) -> list[int]:
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        ids = list(await connection.scalars(text("SELECT id FROM tags ORDER BY id")))
    await engine.dispose()
    return ids


async def test_an_emptied_database_gives_the_first_id_again(empty_database_url: str) -> None:
    await execute(empty_database_url, INSERT)
    assert await tag_ids(empty_database_url) == [1]


async def test_what_another_test_wrote_is_gone(empty_database_url: str) -> None:
    assert await tag_ids(empty_database_url) == []
    await execute(empty_database_url, INSERT)
    assert await tag_ids(empty_database_url) == [1]


async def test_a_modules_own_database_is_migrated_and_apart(empty_database_url: str, module_database_url: str) -> None:
    await execute(empty_database_url, INSERT)
    assert await tag_ids(module_database_url) == []
