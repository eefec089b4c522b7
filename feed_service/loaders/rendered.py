"""Markdown made into HTML and excerpts beside the event loop, so that a page of hostile texts keeps nobody waiting."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from feed_service import markdown
from feed_service.errors import Timeout
from feed_service.loaders.batching import Reader

SHORT = 1_000
"""Characters that are rendered on the spot: 9 ms at worst, mostly 0.1 ms, which is what a thread costs."""

PART = 20_000
"""Characters that one turn of a thread renders, before it is asked whether there is time left."""

TIME_LIMIT_S = 5.0
"""For one page. A request that is given up does not stop its batches, and the worst page takes 17 s."""


async def html_by_text(_reader: Reader, texts: list[str]) -> list[str]:
    """Raises Timeout."""
    return await _rendered(markdown.body_html, texts, markdown_chars=len)


async def excerpt_by_text(_reader: Reader, texts: list[str], max_chars: int) -> list[str]:
    """Raises Timeout."""

    def chars(text: str) -> int:
        return len(text[: markdown.read_for_excerpt(max_chars)])

    return await _rendered(partial(markdown.excerpt, max_chars=max_chars), texts, markdown_chars=chars)


async def _rendered(
    render: Callable[[str], str], texts: Sequence[str], *, markdown_chars: Callable[[str], int]
) -> list[str]:
    found: list[str] = []
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            for part, size in _parts(texts, markdown_chars):
                found += _all(render, part) if size <= SHORT else await asyncio.to_thread(_all, render, part)
    except TimeoutError:
        raise Timeout("Rendering these texts took too long. Please ask for fewer at once.") from None
    return found


def _parts(texts: Sequence[str], chars: Callable[[str], int]) -> Iterator[tuple[list[str], int]]:
    """(texts, how many characters they are): as many in a row as fit one part, and at least one."""
    part: list[str] = []
    size = 0
    for text in texts:
        if part and size + chars(text) > PART:
            yield part, size
            part, size = [], 0
        part.append(text)
        size += chars(text)
    if part:
        yield part, size


def _all(render: Callable[[str], str], texts: Sequence[str]) -> list[str]:
    return [render(text) for text in texts]
