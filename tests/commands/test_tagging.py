"""Tags are found or made by whoever needs them, once each, also by many at once."""

import asyncio

from feed_service import models
from tests.api import Api
from tests.commands.holding import held, until_waiting
from tests.commands.laws import contents, drift
from tests.commands.writing import codes, create
from tests.world import World

INSERT = "INSERT INTO tags (slug, name) VALUES ('m', 'M')"


async def test_creators_of_the_same_new_tags_share_them(world: World, api: Api) -> None:
    """All are held at one of the tags, and name the others in opposite orders."""
    people = [await world.user(f"user{n}") for n in range(6)]
    await world.count()
    names = ["A", "m", "z", "É"]
    async with held(world, INSERT):
        work = [
            asyncio.create_task(create(api, who, tags=names[:: 1 if n % 2 else -1])) for n, who in enumerate(people)
        ]
        await until_waiting(world, len(people))
    assert [codes(answer) for answer in await asyncio.gather(*work)] == [[]] * len(people)
    tags = await contents(world, models.Tag)
    assert sorted((tag["slug"], tag["name"]) for tag in tags) == [("a", "A"), ("m", "m"), ("z", "z"), ("é", "É")]
    assert [row["post_count"] for row in await contents(world, models.TagStats)] == [len(people)] * 4
    assert await drift(world) == {}


async def test_names_of_one_slug_are_one_tag(world: World, api: Api) -> None:
    ann = await world.user("ann")
    await world.add(models.Tag(slug="new-york", name="New York"))
    await world.count()
    for names, slugs in [
        (["NEW york", "new-york", " #New  York "], ["new-york"]),
        (["STRASSE", "Straße", "e\u0301", "É"], ["strasse", "straße", "é"]),
        ([f"t{n}" for n in range(20)] * 2, sorted(f"t{n}" for n in range(20))),
        (["हिन्दी", "C++", "c#", "#c"], ["c", "c-plus-plus", "c-sharp", "हिन्दी"]),
    ]:
        post = (await create(api, ann, tags=names))["post"]
        assert [tag["slug"] for tag in post["tags"]] == slugs
    assert (await contents(world, models.Tag))[0]["name"] == "New York"
    assert await drift(world) == {}
