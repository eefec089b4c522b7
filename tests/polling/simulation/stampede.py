"""Everybody asks for the same at the same moment, when no process knows it yet."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.polling.simulation import documents
from tests.polling.simulation.front import Front, Person
from tests.polling.simulation.servers import Service

AT_ONCE = 60
LONGEST_LOOKS, LOOK_S = 50, 0.1
METERS = re.compile(r'^feed_cache_(loads|errors)_total\{entry="(\w+)"[^}]*\} ([\d.e+]+)$', re.MULTILINE)


async def stampede(front: Front, random: Random) -> Counter[str]:
    """How often each entry of the cache was computed ("loads entry"), and how often it failed ("errors entry")."""
    before = await warmed(front)
    await asyncio.gather(*(front.query(random, Person(), documents.STAMPEDE) for _ in range(AT_ONCE)))
    return await counted(front, front.services) - before


async def warmed(front: Front) -> Counter[str]:
    """What was computed by then: one of the processes makes the trends of a day at start, after the rankings."""
    for _ in range(LONGEST_LOOKS):
        found = await counted(front, front.services)
        if found["loads trending_tag_ids"]:
            return found
        await asyncio.sleep(LOOK_S)
    return found


async def counted(front: Front, services: Sequence[Service]) -> Counter[str]:
    """In all processes together, since they began."""
    found: Counter[str] = Counter()
    for service in services:
        answer = await front.wire.ask(service.port, "GET", "/metrics", {})
        for what, entry, number in METERS.findall(answer.body.decode()):
            found[f"{what} {entry}"] += int(float(number))
    return found
