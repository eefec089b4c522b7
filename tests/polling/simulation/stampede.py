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
LOADS = re.compile(r'^feed_cache_loads_total\{entry="(\w+)"\} ([\d.e+]+)$', re.MULTILINE)


async def stampede(front: Front, random: Random) -> Counter[str]:
    """How often each entry of the cache was computed, in all processes together."""
    before = await computed(front, front.services)
    await asyncio.gather(*(front.query(random, Person(), documents.STAMPEDE) for _ in range(AT_ONCE)))
    return await computed(front, front.services) - before


async def computed(front: Front, services: Sequence[Service]) -> Counter[str]:
    """Since the processes began."""
    found: Counter[str] = Counter()
    for service in services:
        answer = await front.wire.ask(service.port, "GET", "/metrics", {})
        found.update({entry: int(float(number)) for entry, number in LOADS.findall(answer.body.decode())})
    return found
