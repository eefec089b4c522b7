"""A longer page costs no more statements: the law against N+1, counted table by table."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from feed_service import models
from tests.api import Api, api_on, global_id
from tests.world import World, world_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

FEED = """query ($first: Int!) { feed(kind: HOME, first: $first) {
    edges { cursor position
      reason { ... on FollowedAuthor { author { username } tags { slug } } ... on OwnPost { tags { slug } } }
      node { id title bodyHtml excerpt slug status likeCount viewerHasLiked
        author { username stats { postCount } viewerState { isFollowing } followers(first: 2) { nodes { username } } }
        category { name } tags { name postCount viewerIsFollowing trendScore related { name } }
        stats { likeCount commentCount hotKey } viewerState { hasLiked hasCommented visibleCommentCount canComment }
        likers(first: 2) { nodes { username } pageInfo { hasNextPage } }
        commentPreview(first: 2) { body author { username } likeCount viewerHasLiked }
        comments(first: 2) { nodes { body parent { id } replyCount post { id }
          replies(first: 2) { nodes { body author { username } } } } }
        commentTree(first: 3) { edges { depth moreReplies { value } node { body author { username } } } }
      } }
    pageInfo { hasNextPage hasPreviousPage } count { value } } }"""

PEOPLE = """query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on User {
    stats { followerCount } posts(first: 2) { nodes { title tags { name } } pageInfo { hasNextPage } }
    best: posts(first: 2, order: TOP) { nodes { title } } following(first: 2) { nodes { username } }
    followedTags(first: 2) { nodes { name posts(first: 2) { nodes { author { username } } } } } } } }"""


class Crowd:
    def __init__(self, api: Api) -> None:
        self.api = api
        self.people: list[models.User] = []

    async def settle(self, world: World) -> None:
        self.people = [await world.user(f"person{number}") for number in range(12)]
        tags = [await world.tag(f"tag{number}") for number in range(4)]
        viewer = self.people[0]
        for number, person in enumerate(self.people):
            await world.follow_tag(person, tags[number % 4])
            post = await world.post(person, tags=(tags[number % 4], tags[(number + 1) % 4]), body="*Text*")
            for other in self.people[:3]:
                if other is not person:
                    await world.follow(other, person)
                    await world.like(other, post)
                comment = await world.comment(other, post)
                await world.comment(viewer, post, comment)
        await world.count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def crowd(module_database_url: str) -> AsyncIterator[Crowd]:
    async with world_on(module_database_url) as world, api_on(module_database_url) as api:
        settled = Crowd(api)
        await settled.settle(world)
        yield settled


async def cost(crowd: Crowd, query: str, **variables: object) -> Counter[str]:
    crowd.api.statements.clear()
    await crowd.api(query, crowd.people[0], **variables)
    return crowd.api.statements_by_table()


def grown(short: Counter[str], long: Counter[str]) -> dict[str, int]:
    """The tables that are read more often for the longer page.

    Ten more parents that are loaded one by one read a table ten times more. Fewer than five are no growth: which loads
    meet in one batch depends on which statement PostgreSQL answers first.
    """
    return {table: more for table in long if (more := long[table] - short[table]) >= 5}


async def test_a_longer_feed_costs_no_more_statements(crowd: Crowd) -> None:
    short, long = await cost(crowd, FEED, first=2), await cost(crowd, FEED, first=12)
    assert {"posts", "users", "comments", "post_tags", "post_stats"} <= short.keys()
    assert not grown(short, long), "\n\n".join(crowd.api.statements)


async def test_more_people_cost_no_more_statements(crowd: Crowd) -> None:
    ids = [global_id(person) for person in crowd.people]
    short, long = await cost(crowd, PEOPLE, ids=ids[:2]), await cost(crowd, PEOPLE, ids=ids)
    assert {"users", "posts", "user_follows", "tag_follows"} <= short.keys()
    assert not grown(short, long), "\n\n".join(crowd.api.statements)


async def test_a_feed_of_the_front_page_costs_eight_statements(crowd: Crowd) -> None:
    """Page, posts, their tags, authors, stats, viewer states, previews, and the previews' comments with authors."""
    query = """{ feed(kind: FOLLOWING_USERS, first: 10) { edges { cursor node { id title createdAt
        author { username } tags { name } stats { likeCount } viewerState { hasLiked }
        commentPreview { body } } } } }"""
    crowd.api.statements.clear()
    await crowd.api(query, crowd.people[0])
    assert len(crowd.api.statements) <= 8, "\n\n".join(crowd.api.statements)
