"""The people of a simulation, what they have written before, and whom they follow."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from feed_service.accounts.tokens import Bearer, mint
from feed_service.app import signing_keys
from feed_service.database import create_engine
from feed_service.imports.derived import EVERYTHING, refill
from feed_service.schema.ids import encode
from feed_service.settings import Settings
from tests.polling.simulation.front import Person
from tests.polling.simulation.plan import Plan

OLD_POSTS = 3
"""Of each author and host, from before."""

USERS = """
    INSERT INTO users (username, display_name, role)
    SELECT 'person_' || n, 'Person ' || n, CASE n WHEN 1 THEN 'moderator' ELSE 'user' END
    FROM generate_series(1, :size) AS n RETURNING id
"""
TAGS = "INSERT INTO tags (slug, name) SELECT slug, slug FROM unnest(CAST(:slugs AS text[])) AS slug RETURNING id"
POSTS = """
    INSERT INTO posts (author_id, slug, title, body, status, published_at)
    SELECT author_id, format('old-%s-%s', author_id, n), format('Old %s', n), '', 'published',
           now() - n * interval '1 hour' - author_id * interval '1 second'
    FROM unnest(CAST(:author_ids AS bigint[])) AS author_id, generate_series(1, :each) AS n RETURNING id
"""
TAGGED = """
    INSERT INTO post_tags (post_id, tag_id, author_id, published_at)
    SELECT id, (CAST(:tag_ids AS bigint[]))[1 + id % cardinality(CAST(:tag_ids AS bigint[]))], author_id, published_at
    FROM posts
"""
FOLLOWS = """
    INSERT INTO user_follows (follower_id, followee_id)
    SELECT follower_id, followee_id FROM unnest(CAST(:who AS bigint[]), CAST(:whom AS bigint[]))
        AS pair (follower_id, followee_id)
"""
TAG_FOLLOWS = """
    INSERT INTO tag_follows (user_id, tag_id)
    SELECT user_id, tag_id FROM unnest(CAST(:who AS bigint[]), CAST(:what AS bigint[])) AS pair (user_id, tag_id)
"""


@dataclass(frozen=True)
class World:
    """Global ids of people by what they do. `tags` are slugs; each late author has one more for themselves."""

    moderator: Person
    authors: list[Person]
    suspended: list[Person]
    late: list[Person]
    talkers: list[Person]
    viewers: list[Person]
    tags: list[str]
    late_tags: list[str]
    threads: list[str]


def minting(folder: Path, url: str) -> Callable[[int], Person]:
    """Signs people in to services that have their keys in `folder`."""
    keys = signing_keys(Settings.from_environment({"FEED_DATA_DIR": str(folder), "DATABASE_URL": url}))

    def person(user_id: int) -> Person:
        token = mint(keys, Bearer(user_id), lifetime=timedelta(hours=12), now=datetime.now(UTC))
        return Person(encode("User", user_id), token)

    return person


async def peopled(url: str, folder: Path, plan: Plan) -> World:
    engine = create_engine(url, pool_size=1)
    async with engine.begin() as connection:
        world = await written(connection, plan, minting(folder, url))
        await refill(connection, EVERYTHING, lambda *_: None)
    await engine.dispose()
    return world


async def written(connection: AsyncConnection, plan: Plan, person: Callable[[int], Person]) -> World:
    random = plan.random("world")
    sizes = [1, plan.authors, plan.suspended, plan.late, plan.talkers, plan.viewers]
    ids = [int(row[0]) for row in await connection.execute(text(USERS), {"size": sum(sizes)})]
    tags, late_tags = [f"tag-{n}" for n in range(plan.tags)], [f"late-{n}" for n in range(plan.late)]
    tag_ids = [int(row[0]) for row in await connection.execute(text(TAGS), {"slugs": tags + late_tags})]
    groups = [[ids.pop(0) for _ in range(size)] for size in sizes]
    _, authors, suspended, late, talkers, viewers = groups
    posts = {"author_ids": [*authors, *suspended, *talkers], "each": OLD_POSTS}
    await connection.execute(text(POSTS), posts)
    await connection.execute(text(TAGGED), {"tag_ids": tag_ids[: plan.tags]})
    await follow(connection, random, viewers, [*authors, *suspended, *late], tag_ids)
    hosted = await connection.execute(text("SELECT id FROM posts WHERE author_id = ANY(:hosts)"), {"hosts": talkers})
    threads = [str(encode("Post", row[0])) for row in hosted][: plan.threads]
    people = [[person(user_id) for user_id in group] for group in groups]
    return World(people[0][0], people[1], people[2], people[3], people[4], people[5], tags, late_tags, threads)


async def follow(
    connection: AsyncConnection, random: Random, viewers: list[int], authors: list[int], tag_ids: list[int]
) -> None:
    """Everybody follows half of the authors and a third of the tags."""
    pairs = [(who, whom) for who in viewers for whom in authors if random.random() < 0.5]
    await connection.execute(text(FOLLOWS), {"who": [who for who, _ in pairs], "whom": [whom for _, whom in pairs]})
    pairs = [(who, what) for who in viewers for what in tag_ids if random.random() < 0.3]
    await connection.execute(text(TAG_FOLLOWS), {"who": [who for who, _ in pairs], "what": [what for _, what in pairs]})
