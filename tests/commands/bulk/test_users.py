"""Users by the thousand: added, brought up to date or left alone, by user name or by the id they have elsewhere."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from feed_service import models
from feed_service.transactions import WriteDatabase
from tests.commands.bulk.sending import done
from tests.commands.laws import contents, drift
from tests.world import World


async def people(world: World) -> dict[str, tuple[Any, ...]]:
    columns = ("display_name", "bio", "avatar_url")
    return {row["username"]: tuple(row[name] for name in columns) for row in await contents(world, models.User)}


async def test_every_line_sees_what_those_before_it_did(world: World, writing: WriteDatabase) -> None:
    ann = await world.user("Ann", bio="Old.")
    await world.user("gone", deleted_at=datetime.now(UTC))
    await world.count()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"username": "ann"}, "unchanged"),
        ({"username": "ANN", "bio": "Old.", "displayName": "Ann"}, "unchanged"),
        ({"username": "ann", "bio": None}, "updated"),
        ({"username": "ann", "avatarUrl": "https://example.org/a.png"}, "updated"),
        ({"username": "bob", "bio": "New."}, "inserted"),
        ({"username": "Bob", "bio": "New."}, "unchanged"),
        ({"username": "bob", "displayName": "Bo\u0308b"}, "updated"),
        ({"username": "cat", "externalId": "7", "source": "old"}, "inserted"),
        ({"externalId": "7", "source": "old", "displayName": "Cat!"}, "updated"),
        ({"username": "CAT", "externalId": "7", "source": "old"}, "unchanged"),
        ({"username": "dog", "externalId": "7", "source": "old"}, "NAME_MISMATCH"),
        ({"username": "cat", "externalId": "8", "source": "old"}, "TAKEN"),
        ({"username": "ann", "externalId": "9"}, "TAKEN"),
        ({"externalId": "7"}, "MISSING_FIELD"),
        ({"bio": "Whose?"}, "MISSING_FIELD"),
        ({"username": "gone", "bio": "Back."}, "ACCOUNT_ENDED"),
        ({"username": "a b"}, "INVALID"),
        ({"username": "\u212aat"}, "INVALID"),
        ({"username": "eve", "displayName": " "}, "EMPTY"),
        ({"username": "eve", "bio": "x" * 1_001}, "TOO_LONG"),
        ({"username": "eve", "avatarUrl": "http://example.org"}, "INVALID"),
    ]
    assert await done(world, writing, "users", [line for line, _ in cases]) == [outcome for _, outcome in cases]
    assert await people(world) == {
        "Ann": ("Ann", None, "https://example.org/a.png"),
        "bob": ("B\u00f6b", "New.", None),
        "cat": ("Cat!", None, None),
        "gone": ("Gone", None, None),
    }
    events = [(row["kind"], row["action"]) for row in await contents(world, models.ChangeLog)]
    assert events == [("user", "create"), ("user", "create"), ("user", "update")]
    assert await drift(world) == {}
    assert [row["local_id"] for row in await contents(world, models.ExternalId)] == [ann.id + 3]


async def test_the_same_people_in_two_bulks_at_once_are_added_once(world: World, writing: WriteDatabase) -> None:
    names = [f"user{number}" for number in range(2_000)]
    lines = [{"username": name, "externalId": name} for name in names]
    found = await asyncio.gather(
        done(world, writing, "users", lines, chunk_lines=500),
        done(world, writing, "users", lines[::-1], chunk_lines=500),
    )
    kinds = [one.count("inserted") + one.count("unchanged") for one in found]
    assert (kinds, sum(one.count("inserted") for one in found)) == ([2_000, 2_000], 2_000)
    assert len(await contents(world, models.UserStats)) == len(await contents(world, models.ExternalId)) == 2_000
    assert await drift(world) == {}
