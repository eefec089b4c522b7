"""One optimisation off and on, side by side: equal answers first, then what each costs, in rounds that take turns."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.optimisations.cases import Case, Side
from benchmarks.optimisations.counting import Counter, Counts
from feed_service.database import ReadDatabase

MOST_TURNS = 40
"""In one block; more would be the same questions again."""

LOOKS, LONG_S = 2, 1.0
"""How often a block is looked at to be counted, unless it takes long."""


@dataclass(frozen=True)
class Effort:
    """Seconds for each block, and for all rounds of a case together; a single turn may take longer."""

    rounds: int
    block_s: float
    most_s: float


@dataclass(frozen=True)
class Figures:
    """Of one side. `counts` are for one operation, times in milliseconds."""

    counts: Counts
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Result:
    """`ratio`: how many times as long the median takes with it off; of the rounds each, the least and the most."""

    case: str
    note: str
    off: Figures
    on: Figures
    ratio: float
    least: float
    most: float
    compared: int
    samples: int


async def tried(case: Case, counter: Counter, effort: Effort) -> Result:
    """Raises Differs."""
    for _ in range(case.repeated):
        await block(case.on, range(case.turns))
    turn_s, compared = await agreed(case, effort)
    size = max(1, min(case.turns, MOST_TURNS, int(effort.block_s / turn_s)))
    looks = LOOKS if size * turn_s <= LONG_S else 1
    off, on = [await counted(case, side, size, counter, looks) for side in (case.off, case.on)]
    times = await rounds(case, size, turn_s, effort)
    ratios = [median(one) / median(other) for one, other in times]
    all_off, all_on = ([time for pair in times for time in pair[number]] for number in (0, 1))
    before, after = Figures(off, *spread(all_off)), Figures(on, *spread(all_on))
    ratio = round(median(all_off) / median(all_on), 2)
    span = round(min(ratios), 2), round(max(ratios), 2)
    return Result(case.name, case.note, before, after, ratio, *span, compared, len(all_on))


async def agreed(case: Case, effort: Effort) -> tuple[float, int]:
    """(seconds that the slower side takes for a turn, number of answers that both gave alike). All is prepared then."""
    slower_s: list[float] = []
    begun = perf_counter()
    while not slower_s or (len(slower_s) < case.turns and perf_counter() - begun < 2 * effort.block_s):
        turn = len(slower_s)
        ((before,), (off_s,)), ((after,), (on_s,)) = [await block(side, [turn]) for side in (case.off, case.on)]
        one, other = case.plain(before), case.plain(after)
        if one != other:
            raise Differs(f"{case.name}, turn {turn}: the answers differ.\n  off {one!s:.2000}\n  on  {other!s:.2000}")
        slower_s.append(max(off_s, on_s))
    return median(slower_s), len(slower_s)


class Differs(SystemExit):
    """An optimisation that changes the answer is a fault."""


async def counted(case: Case, side: Side, size: int, counter: Counter, looks: int) -> Counts:
    """For one operation: the look with the fewest statements, for once a minute the service has work of its own."""
    found = []
    for _ in range(looks):
        await flushed(case.databases)
        before = await counter.read()
        await block(side, range(size))
        await flushed(case.databases)
        found.append((await counter.read()).since(before).over(size))
    return min(found, key=lambda counts: (counts.statements or 0, counts.rows))


async def rounds(case: Case, size: int, turn_s: float, effort: Effort) -> list[tuple[list[float], list[float]]]:
    """(seconds of each turn with it off, and on) for each round; both sides have the same turns, and begin by turns."""
    count = max(1, min(effort.rounds, int(effort.most_s / (size * turn_s))))
    found = []
    for number in range(count):
        turns = [(number * size + turn) % case.turns for turn in range(size)]
        sides = [case.off, case.on][:: -1 if number % 2 else 1]
        (_, first), (_, second) = [await block(side, turns) for side in sides]
        found.append((second, first) if number % 2 else (first, second))
    return found


async def block(side: Side, turns: Iterable[int]) -> tuple[list[Any], list[float]]:
    """(answers, seconds)."""
    answers, times = [], []
    async with side.within():
        for turn in turns:
            begun = perf_counter()
            answers.append(await side.ask(turn))
            times.append(perf_counter() - begun)
    return answers, times


def spread(times: Sequence[float]) -> tuple[float, float]:
    """(the median, what 95 in 100 keep), in milliseconds."""
    ordered = sorted(times)
    return round(median(ordered) * 1_000, 3), round(ordered[ceil(0.95 * len(ordered)) - 1] * 1_000, 3)


async def flushed(databases: Iterable[ReadDatabase]) -> None:
    """Have each connection tell what it has read; by itself it does so a second later, or ten."""
    for database in databases:
        all_there = asyncio.Barrier(database.gate.connections)

        async def flush(driver: Any, all_there: asyncio.Barrier = all_there) -> None:  # noqa: ANN401 - asyncpg's.
            await all_there.wait()
            await driver.execute("SELECT pg_stat_force_next_flush()")

        await asyncio.gather(*(database.by_driver(flush) for _ in range(database.gate.connections)))
