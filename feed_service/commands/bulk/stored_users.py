"""Users as they are stored: looked up and locked, added and changed, many in one statement."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from feed_service import models
from feed_service.commands.bulk.statements import BIGINTS, TEXTS, among, given
from feed_service.commands.transaction import Transaction
from feed_service.transactions import Statement, compiled

PROFILE = ("display_name", "bio", "avatar_url")
KIND = "user"

Profile = dict[str, str | None]

user, external_id = models.User, models.ExternalId


class External(NamedTuple):
    source: str
    id: str


@dataclass(eq=False, slots=True)
class Person:
    """`profile` is what is wanted, `before` what is stored: None for a newcomer, whose `id` is 0 until it is."""

    id: int
    username: str
    profile: Profile
    before: Profile | None
    externals: list[External]
    is_ended: bool = False

    @property
    def is_new(self) -> bool:
        return self.before is None

    @classmethod
    def new(cls, username: str, profile: Profile, external: External | None) -> Self:
        wanted: Profile = {"display_name": username, "bio": None, "avatar_url": None, **profile}
        return cls(0, username, wanted, None, [] if external is None else [external])

    @classmethod
    def stored(cls, row: Any) -> Self:  # noqa: ANN401 - a record.
        profile: Profile = {"display_name": row[3], "bio": row[4], "avatar_url": row[5]}
        return cls(row[0], row[1], profile, profile, [], row[2] is not None)


WITH_EXTERNAL_IDS = compiled(
    select(external_id.external_id, external_id.local_id).where(
        external_id.source == bindparam("source", type_=Text),
        external_id.kind == literal(KIND),
        among(external_id.external_id, "external_ids", TEXTS),
    )
)
NAMED = compiled(select(user.id).where(among(func.lower(user.username), "names", TEXTS)))
LOCKED = compiled(
    select(user.id, user.username, user.deleted_at, *(user.__table__.c[name] for name in PROFILE))
    .where(among(user.id, "ids", BIGINTS))
    .order_by(user.id)
    .with_for_update(key_share=True)
)

_new = given(usernames=TEXTS, display_name=TEXTS, bio=TEXTS, avatar_url=TEXTS)


def added_people() -> Statement:
    """Adds those whose names are free, each with a row of numbers and an event, and answers with them."""
    wanted = insert(user).from_select(["username", *PROFILE], select(_new))
    free = wanted.on_conflict_do_nothing(index_elements=[func.lower(user.username)])
    added = free.returning(user.id, user.username).cte("added")
    stats = insert(models.UserStats).from_select(["user_id"], select(added.c.id)).cte("stats")
    log = insert(models.ChangeLog).from_select(LOGGED, events("create", added.c.id)).cte("log")
    return compiled(select(added.c.id, added.c.username).add_cte(stats, log))


def events(action: str, user_id: ColumnElement[int]) -> Select[*tuple[Any, ...]]:
    return select(literal("user"), literal(action), user_id, bindparam("actor", type_=BigInteger), user_id)


LOGGED = ["kind", "action", "subject_id", "actor_id", "author_id"]
ADD = added_people()
_links = given(sources=TEXTS, external_ids=TEXTS, ids=BIGINTS)
ADD_EXTERNAL_IDS = compiled(
    insert(external_id)
    .from_select(
        ["source", "kind", "external_id", "local_id"],
        select(_links.c.sources, literal(KIND), _links.c.external_ids, _links.c.ids),
    )
    .on_conflict_do_nothing()
)
_changes = given(ids=BIGINTS, display_name=TEXTS, bio=TEXTS, avatar_url=TEXTS)
CHANGE = compiled(update(user).where(user.id == _changes.c.ids).values({name: _changes.c[name] for name in PROFILE}))
LOG_CHANGED = compiled(insert(models.ChangeLog).from_select(LOGGED, events("update", given(ids=BIGINTS).c.ids)))


async def lock_people(tx: Transaction, names: Collection[str], externals: Collection[External]) -> list[Person]:
    """Those who have one of the names, in lower case, or one of the external ids; locked in the order of their ids.

    Names first: whom another bulk commits between the two statements is then found by external id, and is who they
    are; found by name alone, they would seem to be somebody else.
    """
    named = await tx.sql.rows(NAMED, names=sorted(names)) if names else []
    owners = await _owners(tx, externals)
    wanted = {row["id"] for row in named} | {user_id for _, user_id in owners}
    people = {row["id"]: Person.stored(row) for row in await tx.sql.rows(LOCKED, ids=sorted(wanted))}
    for external, user_id in owners:
        if user_id in people:
            people[user_id].externals.append(external)
    return list(people.values())


async def _owners(tx: Transaction, externals: Collection[External]) -> list[tuple[External, int]]:
    """With the users' ids. A statement for each source, of which there are few: a join might read the whole index."""
    by_source: dict[str, list[str]] = {}
    for source, external in sorted(externals):
        by_source.setdefault(source, []).append(external)
    return [
        (External(source, row[0]), row[1])
        for source, ids in by_source.items()
        for row in await tx.sql.rows(WITH_EXTERNAL_IDS, source=source, external_ids=ids)
    ]


async def add_people(tx: Transaction, people: Sequence[Person]) -> set[Person]:
    """Give the new ones ids. Those are left out, and returned, whose name was taken since it was looked up.

    Names are taken in their order, so that of two bulks that add the same people one waits for the other.
    """
    if not people:
        return set()
    by_name = {one.username: one for one in sorted(people, key=lambda one: one.username.lower())}
    columns = {"usernames": list(by_name), **_columns(by_name.values())}
    for user_id, username in await tx.sql.rows(ADD, **columns, actor=tx.viewer.user_id):
        by_name[username].id = user_id
    await _link(tx, [one for one in by_name.values() if one.id])
    return {one for one in people if not one.id}


async def _link(tx: Transaction, added: Iterable[Person]) -> None:
    links = sorted((external, one.id) for one in added for external in one.externals)
    if links:
        columns = {"sources": [e.source for e, _ in links], "external_ids": [e.id for e, _ in links]}
        made = await tx.sql.run(ADD_EXTERNAL_IDS, **columns, ids=[user_id for _, user_id in links])
        if made < len(links):
            raise TakenMeanwhile(f"{len(links) - made} external ids have been given to others meanwhile.")


class TakenMeanwhile(Exception):
    """Another transaction was first, and has been committed: to begin anew finds what it has made."""


async def change_people(tx: Transaction, people: Sequence[Person]) -> None:
    if people:
        ids = [one.id for one in people]
        await tx.sql.run(CHANGE, ids=ids, **_columns(people))
        await tx.sql.run(LOG_CHANGED, ids=ids, actor=tx.viewer.user_id)


def _columns(people: Iterable[Person]) -> dict[str, list[str | None]]:
    everybody = list(people)
    return {name: [one.profile[name] for one in everybody] for name in PROFILE}
