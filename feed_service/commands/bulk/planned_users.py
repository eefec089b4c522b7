"""What a dry run of users would have made of them so far: for its later chunks, which cannot find it stored."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson

from feed_service.commands.bulk.run import Effects, Run
from feed_service.commands.bulk.stored_users import External, Person
from feed_service.commands.transaction import Transaction


async def planned(
    tx: Transaction, run: Run, names: Collection[str], externals: Collection[External], found: Sequence[Person]
) -> list[Person]:
    """Bring those who were found up to date with the plan; the others who are planned under the names and ids."""
    owners = await run.earlier(tx, {under_id(one) for one in externals})
    stored = {one.username.lower(): one for one in found}
    wanted = {*names, *stored, *owners.values()}
    states = await run.earlier(tx, {under_name(name) for name in wanted})
    return [new for state in states.values() if (new := _person(state, stored)) is not None]


def plans(people: Iterable[Person]) -> Effects:
    effects: Effects = {}
    for one in people:
        state = {"username": one.username, "profile": dict(one.profile), "externals": [list(e) for e in one.externals]}
        effects[under_name(one.username)] = state
        effects |= {under_id(external): one.username.lower() for external in one.externals}
    return effects


def under_name(name: str) -> str:
    return f"name {name.lower()}"


def under_id(external: External) -> str:
    return orjson.dumps([*external]).decode()


def _person(state: dict[str, Any], stored: dict[str, Person]) -> Person | None:
    person = stored.get(state["username"].lower())
    if person is None:
        externals = [External(*external) for external in state["externals"]]
        return Person(0, state["username"], state["profile"], state["profile"], externals)
    person.profile = person.before = state["profile"]
    return None
