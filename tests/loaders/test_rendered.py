"""Rendering beside the event loop: others go on meanwhile, and no page takes for ever."""

import asyncio
from typing import Any

import pytest

from feed_service import markdown
from feed_service.errors import Timeout
from feed_service.loaders import rendered

READER: Any = None
HOSTILE = [f"{'[' * 19_000}{n}" for n in range(4)]


async def test_texts_come_back_in_order_whatever_their_length() -> None:
    texts = ["*short*", "x" * 1_200, "", "y" * 25_000, "**z**", *HOSTILE[:1]]
    assert await rendered.html_by_text(READER, texts) == [markdown.body_html(text) for text in texts]
    assert await rendered.excerpt_by_text(READER, texts, 40) == [markdown.excerpt(text, 40) for text in texts]
    assert await rendered.html_by_text(READER, []) == []


async def test_a_page_of_hostile_texts_lets_others_go_on() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    beside = asyncio.create_task(tick())
    await rendered.html_by_text(READER, HOSTILE)
    beside.cancel()
    assert ticks > 10, "0.7 s of work on the event loop itself would leave time for one"


async def test_a_page_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendered, "TIME_LIMIT_S", 0.05)
    with pytest.raises(Timeout):
        await rendered.html_by_text(READER, HOSTILE)
