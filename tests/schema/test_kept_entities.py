"""Whatever a process keeps of users, tags and categories, it answers every viewer as one that keeps nothing."""

from collections.abc import Awaitable, Callable
from typing import Any

from feed_service import models
from feed_service.commands import account_deletion, blocks, moderation, mutes, profiles
from feed_service.loaders.entities import Entities
from feed_service.viewer import ANONYMOUS, Role, Viewer
from tests.api import Api, Refused, api_on, global_id
from tests.world import World, world_on

LONG_S = 3_600.0
"""The log counts as read until it is read again."""

PERSON = "fragment Person on User { id username displayName bio avatarUrl }"
TEXT = """fragment Text on Post { id title author { ...Person } category { name } tags { id slug name }
    commentPreview { body author { ...Person } } likers { nodes { ...Person } } }"""
EVERYTHING = f"""query ($ann: ID!, $post: ID!) {{
    global: feed(kind: GLOBAL) {{ nodes {{ ...Text }} }}
    following: feed(kind: FOLLOWING_USERS) {{ edges {{ reason {{ __typename }} node {{ ...Text }} }} }}
    post(by: {{id: $post}}) {{ ...Text comments {{ nodes {{ body isTombstone author {{ ...Person }} }} }} }}
    user(by: {{id: $ann}}) {{ ...Person posts {{ nodes {{ ...Text }} }}
        followers {{ nodes {{ ...Person }} }} following {{ nodes {{ ...Person }} }}
        followedTags {{ nodes {{ name }} }} }}
    node(id: $ann) {{ ... on User {{ ...Person }} }}
    search(query: "ann", types: [USER]) {{ nodes {{ ... on User {{ ...Person }} }} }}
}}
{PERSON} {TEXT}"""

Command = Callable[..., Awaitable[Any]]
OPERATOR = Viewer(None)

STEPS: list[tuple[str, Command, tuple[Any, ...]]] = [
    ("ann", profiles.update_profile, ({"display_name": "Anne", "avatar_url": "https://pictures.test/anne"},)),
    ("cat", blocks.block_user, (1,)),
    ("bob", mutes.mute_user, (1,)),
    ("mo", moderation.suspend_user, (1, "Spam.")),
    ("operator", moderation.set_role, ("bob", Role.MODERATOR)),
    ("mo", moderation.restore_user, (1,)),
    ("cat", blocks.unblock_user, (1,)),
    ("ann", account_deletion.delete_account, ()),
    ("operator", account_deletion.profile, (1,)),
]
"""Who does what. Ann is user 1."""

HIDING, SHOWING = {moderation.suspend_user, account_deletion.delete_account}, {moderation.restore_user}


async def settled(world: World) -> dict[str, models.User]:
    """Ann and Bob write and comment under each other's posts; everybody follows both; Mo moderates, Eve is blocked."""
    roles = {"mo": "moderator"}
    people = {n: await world.user(n, role=roles.get(n, "user")) for n in ("ann", "bob", "cat", "mo", "eve")}
    tag, category = await world.tag("cats"), await world.add(models.Category(slug="pets", name="Pets"))
    await world.block(people["ann"], people["eve"])
    for author, other in (("ann", "bob"), ("bob", "ann")):
        post = await world.post(people[author], tags=(tag,), category_id=category.id)
        comment = await world.comment(people[other], post)
        await world.comment(people[author], post, comment)
        await world.follow_tag(people[author], tag)
        for name in people.keys() - {author}:
            await world.follow(people[name], people[author])
            await world.like(people[name], post)
    await world.count()
    return people


async def answer(api: Api, viewer: Viewer) -> Any:  # noqa: ANN401 - data, or the codes of errors.
    try:
        return await api(EVERYTHING, viewer, ann=global_id(models.User(id=1)), post=global_id(models.Post(id=1)))
    except Refused as refused:
        return refused.codes


async def test_answers_are_those_of_a_process_that_keeps_nothing(empty_database_url: str) -> None:
    async with (
        world_on(empty_database_url) as world,
        api_on(empty_database_url) as keeping,
        api_on(empty_database_url) as plain,
    ):
        keeping.entities = Entities(keeping.polling.tail, known_s=LONG_S)
        people = await settled(world)
        viewers = {name: Viewer(user.id, Role(user.role)) for name, user in people.items()}
        viewers |= {"nobody": ANONYMOUS, "operator": OPERATOR}
        seen, is_hidden = {str(await answer(keeping, viewer)) for viewer in viewers.values()}, False
        for step in STEPS:
            who, command, arguments = step
            await plain.context(viewers[who]).write(command, *arguments)
            await keeping.polling.tail.caught_up(0)
            is_hidden = (is_hidden or command in HIDING) and command not in SHOWING
            for name, viewer in viewers.items():
                found = await answer(keeping, viewer)
                assert found == await answer(plain, viewer), (step, name)
                assert ("Anne" in str(found)) is not is_hidden or name in {"ann", "mo"}, (step, name)
                seen.add(str(found))
        assert len(seen) > len(STEPS), "the steps change what is answered"
        assert keeping.entities.users.tally.hits > len(STEPS), "and some of it came from memory"
        assert keeping.entities.tags.tally.hits > len(STEPS)
