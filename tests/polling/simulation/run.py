"""One simulation, from the first request to the comparison."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from random import Random

from feed_service.transactions import WriteDatabase
from tests.polling.simulation import documents, servers
from tests.polling.simulation.clients import Client, FeedClient, RankedClient, drained
from tests.polling.simulation.conditional import ConditionalClient, Consistency
from tests.polling.simulation.faults import Faults
from tests.polling.simulation.front import Front, Person
from tests.polling.simulation.gaps import GapClient
from tests.polling.simulation.late import LateAuthor, hold_open
from tests.polling.simulation.ledger import Ledger
from tests.polling.simulation.others import Talker, Tied
from tests.polling.simulation.plan import NUMBERS_TOLD_S, Plan, Report
from tests.polling.simulation.stampede import stampede
from tests.polling.simulation.threads import ThreadClient
from tests.polling.simulation.wire import Wire
from tests.polling.simulation.world import World, peopled
from tests.polling.simulation.writers import FALLS_DUE_WITHIN_S, Author, Suspended, Writer

AT_ONCE = 16
NOBODY = Person()


async def simulate(url: str, folder: Path, plan: Plan) -> Report:
    """Everything that is started here is ended here. `url` is of a migrated, empty database."""
    world = await peopled(url, folder / "data", plan)
    async with servers.running(folder, url) as (services, valkey):
        front = Front(services, Wire(), Ledger(), plan.is_harder)
        faults = Faults(valkey, services, url, plan.seconds, plan.is_harder)
        at_first = await stampede(front, plan.random("stampede"))
        differences = await lived_through(url, front, world, plan, faults)
        await front.wire.close()
    complaints = [line for service in services for line in service.complaints()]
    ledger = front.ledger
    return Report(front.counts, ledger.looked_at, at_first, front.errors, ledger.wrong, differences, complaints)


async def lived_through(url: str, front: Front, world: World, plan: Plan, faults: Faults) -> list[str]:
    """How the lists that clients keep differ from fresh ones, when nobody writes any more."""
    consistency, database = Consistency(), WriteDatabase.connect(url)
    watching = list(islice(clients(front, world, plan, consistency), plan.clients))
    is_over, is_quiet = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as polling:
        for number, client in enumerate(watching):
            pause = plan.random("pauses", number)
            polling.create_task(poll_on(client, pause, plan, is_quiet))
        async with asyncio.TaskGroup() as writing:
            writing.create_task(hold_open(url, is_over))
            for writer in writers(front, world, plan, consistency, database):
                writing.create_task(writer.run(is_over))
            await faults.run()
            is_over.set()
        await asyncio.sleep(FALLS_DUE_WITHIN_S + plan.quiet_s)
        is_quiet.set()
    await database.close()
    return await compared(watching)


async def poll_on(client: Client, random: Random, plan: Plan, is_quiet: asyncio.Event) -> None:
    await asyncio.sleep(random.uniform(0, plan.start_within_s))
    while not is_quiet.is_set():
        await client.poll()
        await asyncio.sleep(random.uniform(0.2, 1.8) * plan.poll_pause_s)


async def compared(watching: Sequence[Client]) -> list[str]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(client: Client) -> list[str]:
        async with gate:
            if await drained(client):
                return await client.differences()
            return [f"{client.name}: news without an end, while nobody writes"]

    return [line for lines in await asyncio.gather(*map(one, watching)) for line in lines]


def clients(front: Front, world: World, plan: Plan, consistency: Consistency) -> Iterator[Client]:
    """Without an end: of every sort in turn, for one viewer after the other."""
    people, threads, tags = cycle(world.viewers), cycle(world.threads), cycle(world.tags)
    numbers = iter(range(1_000_000))

    def random() -> Random:
        return plan.random("client", next(numbers))

    def conditional(who: Person, kind: str, *, sends_token: bool = False) -> Client:
        return ConditionalClient(front, random(), who, kind, consistency, sends_token)

    while True:
        yield FeedClient(front, random(), next(people), "HOME")
        yield conditional(next(people), "HOME", sends_token=True)
        yield FeedClient(front, random(), next(people), "FOLLOWING_USERS")
        yield ThreadClient(front, random(), next(people), next(threads))
        yield FeedClient(front, random(), next(people), "FOLLOWING_TAGS")
        yield conditional(next(people), "FOLLOWING_TAGS")
        yield FeedClient(front, random(), next(people), "GLOBAL")
        yield FeedClient(front, random(), NOBODY, "GLOBAL")
        yield FeedClient(front, random(), next(people), "HOME", {"tags": [next(tags), next(tags)]})
        yield conditional(NOBODY, "GLOBAL")
        yield RankedClient(front, random(), next(people), "POPULAR")
        yield FeedClient(front, random(), next(people), "GLOBAL", {"excludeTags": [next(tags)]})
        yield conditional(next(people), "GLOBAL")
        yield ThreadClient(front, random(), NOBODY, next(threads))
        yield FeedClient(front, random(), next(people), "HOME")
        yield conditional(next(people), "FOLLOWING_USERS")
        yield RankedClient(front, random(), NOBODY, "DISCUSSED")
        yield GapClient(front, random(), next(people), "GLOBAL")
        yield GapClient(front, random(), next(people), "HOME")
        if plan.quiet_s >= NUMBERS_TOLD_S:
            for who, kind in ((next(people), "HOME"), (next(people), "GLOBAL"), (NOBODY, "GLOBAL")):
                yield ConditionalClient(front, random(), who, kind, consistency, False, documents.NUMBERED)


def writers(
    front: Front, world: World, plan: Plan, consistency: Consistency, database: WriteDatabase
) -> Iterator[Writer]:
    pause_s, numbers = plan.write_pause_s, iter(range(1_000_000))

    def random() -> Random:
        return plan.random("writer", next(numbers))

    for author in world.authors:
        yield Author(front, random(), author, pause_s, world.tags)
    for author in world.suspended:
        yield Suspended(front, random(), author, pause_s, world.tags, moderator=world.moderator)
    for author, tag in zip(world.late, world.late_tags, strict=True):
        yield LateAuthor(front, random(), author, pause_s, [tag], database=database)
    whom = [person.id for person in (*world.authors, *world.talkers)]
    for viewer in world.viewers[: plan.tied]:
        yield Tied(front, random(), viewer, pause_s, whom, world.tags, consistency)
    for talker in world.talkers:
        yield Talker(front, random(), talker, pause_s, world.threads)
