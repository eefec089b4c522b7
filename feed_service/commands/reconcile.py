"""Goes through everything that is derived, in bounded steps beside the writers; `rounds` does it all the time."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from feed_service.commands import drift
from feed_service.commands.drift import COMMENTS, KINDS, POSTS, TAGS, USERS, Drift, Kind
from feed_service.commands.transaction import Transaction, Writer

AT_ONCE = {POSTS: 1_000, COMMENTS: 200, USERS: 1_000, TAGS: 100}
"""Things of one step; of comments, the posts whose threads are looked at."""

REPAIRED_AT_ONCE = 100
SAMPLED_AT_ONCE = 50


@dataclass
class Tally:
    """How many things were looked at, by kind; how many rows are wrong, by number; how many of them were put right."""

    checked: Counter[str] = field(default_factory=Counter)
    drift: Counter[str] = field(default_factory=Counter)
    repaired: int = 0

    def lines(self) -> list[str]:
        """For people."""
        checked = ", ".join(f"{number:,} {kind}" for kind, number in self.checked.items())
        wrong = [f"{name}: {number:,} wrong" for name, number in sorted(self.drift.items())]
        return [f"looked at {checked}", *wrong, f"{self.repaired:,} rows put right"]

    def add(self, row: Drift) -> None:
        self.drift.update(f"{row.table}.{column}" for column in row.columns)


async def stretch(tx: Transaction, kind: Kind, start: int, number: int) -> tuple[list[int], int | None]:
    """(ids of the things, where the next stretch starts); None at the end."""
    walked = [row["id"] for row in await tx.sql.rows(kind.stretch, start=start, number=number)]
    after = walked[-1] + 1 if len(walked) == number else None
    if kind.members is None or not walked:
        return walked, after
    return [row["id"] for row in await tx.sql.rows(kind.members, ids=walked)], after


async def newest(tx: Transaction, kind: Kind) -> int:
    return await tx.sql.value(kind.newest) or 0


async def reconcile(
    writer: Writer, tally: Tally, *, sample: int | None = None, may_repair: bool = False
) -> AsyncIterator[Drift]:
    """Every row that differs, as it is found, and with `may_repair` put right.

    `sample`: look at so many things of each kind only, chosen by chance.
    """
    for kind in KINDS:
        async for ids in chosen(writer, kind, sample):
            tally.checked[kind.name] += len(ids)
            differing = await writer.run(drift.found, kind, ids)
            if may_repair and differing:
                differing = [row async for row in put_right(writer, kind, differing)]
                tally.repaired += len(differing)
            for row in differing:
                tally.add(row)
                yield row


async def chosen(writer: Writer, kind: Kind, sample: int | None) -> AsyncIterator[Sequence[int]]:
    """Ids, some at a time: all of them in their order, or a sample in short stretches."""
    if sample is None:
        start: int | None = 0
        while start is not None:
            ids, start = await writer.run(stretch, kind, start, AT_ONCE[kind])
            yield ids
        return
    last = await writer.run(newest, kind)
    for left in range(sample, 0, -SAMPLED_AT_ONCE):
        start = random.randint(1, max(1, last))  # noqa: S311 - a sample, no secret.
        ids, _ = await writer.run(stretch, kind, start, min(left, SAMPLED_AT_ONCE))
        yield ids


async def put_right(writer: Writer, kind: Kind, differing: Sequence[Drift]) -> AsyncIterator[Drift]:
    owners = sorted({row.owner_id for row in differing})
    for start in range(0, len(owners), REPAIRED_AT_ONCE):
        for row in await writer.run(drift.repaired, kind, owners[start : start + REPAIRED_AT_ONCE]):
            yield row
