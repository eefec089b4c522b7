"""The command that tells of engagement finds subjects by their names, and leaves none out."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from feed_service import models
from feed_service.cli import cli
from feed_service.errors import NotFound
from tests.world import world_on

NOTHING = {
    "postCount": 0, "likeCount": 0, "commentCount": 0, "uniqueCommenterCount": 0, "viewCount": 0,
    "newFollowerCount": 0, "reactionsPerView": None,
}  # fmt: skip


async def fill(url: str) -> None:
    async with world_on(url) as world:
        ann = await world.user("ann", suspended_at=datetime.now(UTC))
        section = await world.add(models.Category(slug="kitchen", name=""))
        post = await world.post(ann, at=datetime.now(UTC) - timedelta(days=40), category_id=section.id)
        await world.tag("tea")
        await world.like(ann, post)


def test_a_line_for_each_name(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    asyncio.run(fill(empty_database_url))
    monkeypatch.setenv("DATABASE_URL", empty_database_url)

    def lines(*words: str) -> list[dict[str, object]]:
        cli(["engagement", *words], standalone_mode=False)
        return [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]

    [ann] = lines("ANN", "ann")
    assert (ann["author"], ann["isCapped"]) == ("ann", False)
    assert (ann["totals"], ann["before"]) == (NOTHING | {"likeCount": 1}, NOTHING | {"postCount": 1})
    assert ann["change"] == {
        "posts": -1.0, "likes": None, "comments": None, "uniqueCommenters": None, "views": None, "newFollowers": None,
    }  # fmt: skip
    [tea] = lines("--by", "tag", "tea", "--window", "7")
    assert tea["totals"] == NOTHING | {"newFollowerCount": None}
    [kitchen] = lines("--by", "category", "kitchen", "--window", "90")
    assert kitchen["totals"] == NOTHING | {"postCount": 1, "likeCount": 1, "newFollowerCount": None}
    with pytest.raises(NotFound, match="There is no tag nowhere"):
        lines("--by", "tag", "tea", "nowhere")
