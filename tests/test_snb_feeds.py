"""The feeds of every person of the SNB data set, against what its files say."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from feed_service import loaders, models
from feed_service.cache import read_through
from feed_service.database import ReadDatabase, create_engine
from feed_service.imports.snb import import_snb
from feed_service.loaders.batching import Reader
from feed_service.loaders.feeds import FeedPart, feed
from feed_service.paging import Slice
from feed_service.queries.feed_filters import FeedFilter
from feed_service.settings import CHECKOUT
from feed_service.viewer import Viewer
from feed_service.vocabulary import FeedKind, PostOrder

DATA = CHECKOUT.parent / "shared" / "data" / "snb-sf0.003"

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not DATA.is_dir(), reason="the SNB data set does not lie beside the checkout"),
]

PAGE = 150


def pairs(name: str) -> list[tuple[str, str]]:
    lines = (DATA / "dynamic" / f"{name}_0_0.csv").read_text(encoding="utf-8").splitlines()[1:]
    return [(parts[0], parts[1]) for parts in (line.split("|") for line in lines)]


@dataclass
class Files:
    """What the files say, by the ids of the files."""

    knows: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    interests: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    author: dict[str, str] = field(default_factory=dict)
    tags: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    created: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Files":
        files = cls(author=dict(pairs("post_hasCreator_person")))
        for one, other in pairs("person_knows_person"):
            files.knows[one].add(other)
            files.knows[other].add(one)
        for person, tag in pairs("person_hasInterest_tag"):
            files.interests[person].add(tag)
        for post, tag in pairs("post_hasTag_tag"):
            files.tags[post].add(tag)
        lines = (DATA / "dynamic" / "post_0_0.csv").read_text(encoding="utf-8").splitlines()[1:]
        files.created = {parts[0]: int(parts[2]) for parts in (line.split("|") for line in lines)}
        return files

    def following(self, person: str) -> set[str]:
        return {post for post, author in self.author.items() if author in self.knows[person]}

    def home(self, person: str) -> set[str]:
        own = {post for post, author in self.author.items() if author == person}
        tagged = {post for post, tags in self.tags.items() if tags & self.interests[person]}
        return own | tagged | self.following(person)


@dataclass
class Imported:
    database: ReadDatabase
    local: dict[tuple[str, str], int]
    files: Files

    async def walk(self, person: str, kind: FeedKind, order: PostOrder) -> list[int]:
        viewer = Viewer(self.local["person", person])
        reader = Reader(self.database, read_through.connect("memory://"), viewer)
        part = FeedPart(feed(kind, order, FeedFilter(), None), Slice(PAGE))
        found: list[int] = []
        while True:
            (page,) = await loaders.feeds.pages(reader, [part])
            found += [item.id for item in page.items]
            if not page.has_more:
                return found
            part = replace(part, part=Slice(PAGE, after=page.items[-1].key))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def imported(module_database_url: str) -> AsyncIterator[Imported]:
    engine = create_engine(module_database_url, pool_size=2)
    await import_snb(engine, Path(DATA), strict=True, progress=lambda *_: None)
    async with engine.connect() as connection:
        rows = (await connection.execute(select(models.ExternalId.__table__))).all()
    await engine.dispose()
    database = ReadDatabase.connect(module_database_url)
    yield Imported(database, {(row.kind, row.external_id): row.local_id for row in rows}, Files.read())
    await database.close()


@pytest.mark.parametrize("kind", [FeedKind.FOLLOWING_USERS, FeedKind.HOME])
async def test_the_feeds_of_every_person_are_those_of_the_files(imported: Imported, kind: FeedKind) -> None:
    files = imported.files
    people = {person for kind_, person in imported.local if kind_ == "person"}
    assert len(people) == 222
    for person in people:
        wanted = files.following(person) if kind is FeedKind.FOLLOWING_USERS else files.home(person)
        by_place = sorted((files.created[post], imported.local["post", post]) for post in wanted)
        oldest_first = [post for _, post in by_place]
        assert await imported.walk(person, kind, PostOrder.NEWEST) == oldest_first[::-1], person
        assert await imported.walk(person, kind, PostOrder.OLDEST) == oldest_first, person
