"""Users, added or brought up to date: `{"username": "ann", "displayName": "Ann"}`.

With `externalId` (and `source`, which says whose id that is) a user is known by it, otherwise by the user name. Only
what a row names is changed. Nobody's user name is ever changed, and nobody who ended their account comes back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from feed_service.accounts import rules
from feed_service.commands.bulk.lines import Fields, Outcome, Row, in_turns, is_text, is_text_or_null, refused
from feed_service.commands.bulk.planned_users import planned, plans
from feed_service.commands.bulk.run import Run
from feed_service.commands.bulk.stored_users import External, Person, add_people, change_people, lock_people
from feed_service.commands.transaction import Transaction
from feed_service.errors import Refused

SOURCE = "bulk"
"""Of external ids for which a row names no source."""

MOST_IN_EXTERNAL_ID = 200

FIELDS = Fields(
    {
        "username": is_text,
        "externalId": lambda value: is_text(value) and 0 < len(value) <= MOST_IN_EXTERNAL_ID,
        "source": lambda value: is_text(value) and 0 < len(value) <= MOST_IN_EXTERNAL_ID,
        "displayName": is_text,
        "bio": is_text_or_null,
        "avatarUrl": is_text_or_null,
    }
)

Rule = Callable[[Any, Iterable[str]], str | None]

RULES: Mapping[str, tuple[str, Rule, tuple[str]]] = {
    "displayName": ("display_name", rules.display_name, ("displayName",)),
    "bio": ("bio", rules.bio, ("bio",)),
    "avatarUrl": ("avatar_url", rules.avatar_url, ("avatarUrl",)),
}
"""The column of each field that can change, what its value must be, and how a refusal names it."""


class Wanted(NamedTuple):
    """What a row asks for, within the rules."""

    line: int
    username: str | None
    external: External | None
    profile: dict[str, str | None]


@dataclass
class Known:
    """Everybody whom the rows of a chunk speak of, as they are after the rows that were looked at so far."""

    by_name: dict[str, Person]
    by_external: dict[External, Person]

    @classmethod
    def of_people(cls, people: Iterable[Person]) -> Self:
        everybody = list(people)
        return cls(
            {one.username.lower(): one for one in everybody}, {e: one for one in everybody for e in one.externals}
        )

    def of(self, wanted: Wanted) -> Person | None:
        if wanted.external is not None:
            return self.by_external.get(wanted.external)
        name = wanted.username or ""
        return self.by_name.get(name.lower()) if name.isascii() else None


async def upsert_users(tx: Transaction, run: Run, rows: Sequence[Wanted]) -> list[Outcome]:
    """`inserted`, `updated` or `unchanged`.

    Refused are names that are TAKEN by somebody with another external id, a NAME_MISMATCH with the name that the owner
    of the external id has, MISSING_FIELD, ACCOUNT_ENDED, and a newcomer's name that is INVALID.
    """
    outcomes: list[Outcome] = []
    todo = rows
    while todo:
        todo = await _written(tx, run, todo, outcomes)
    return outcomes


def within_rules(row: Row) -> Wanted | Outcome:
    """What the row asks for. Refused are INVALID, EMPTY and TOO_LONG values, and MISSING_FIELD."""
    fields = row.fields
    username, external_id = fields.get("username"), fields.get("externalId")
    external = None if external_id is None else External(fields.get("source", SOURCE), external_id)
    if username is None and external is None:
        return refused(row.line, "MISSING_FIELD", "The row needs username or externalId.")
    profile: dict[str, str | None] = {}
    try:
        for name, value in fields.items():
            if name in RULES:
                column, rule, path = RULES[name]
                profile[column] = rule(value, path)
    except Refused as refusal:
        return refused(row.line, refusal.reason.value, str(refusal))
    return Wanted(row.line, username, external, profile)


async def _written(tx: Transaction, run: Run, todo: Sequence[Wanted], outcomes: list[Outcome]) -> list[Wanted]:
    """Do them. Those are left whose name or external id somebody else has taken since it was looked up."""
    names = {one.username.lower() for one in todo if one.username is not None}
    externals = {one.external for one in todo if one.external is not None}
    found = await lock_people(tx, names, externals)
    known = Known.of_people([*found, *await planned(tx, run, names, externals, found)])
    judged = [(one, *_judged(known, one)) async for some in in_turns(todo) for one in some]
    new = {id(person): person for _, person, _ in judged if person is not None and person.is_new}
    lost = await add_people(tx, list(new.values()))
    if run.is_dry:
        run.note(plans({one for _, one, _ in judged if one is not None}))
    await change_people(tx, [one for one in found if one.profile != one.before])
    for one, person, outcome in judged:
        if person not in lost:
            outcomes.append(_outcome(run, one, person, outcome))
    return [one for one, person, _ in judged if person in lost]


def _outcome(run: Run, wanted: Wanted, person: Person | None, outcome: str | Outcome) -> Outcome:
    """Whom a dry run adds has no number afterwards."""
    user_id = None if person is None or (run.is_dry and person.is_new) else person.id or None
    if isinstance(outcome, str):
        return Outcome(wanted.line, outcome, user_id)
    return outcome._replace(id=user_id)


def _judged(known: Known, wanted: Wanted) -> tuple[Person | None, str | Outcome]:
    """What becomes of the row, and of whom; what it changes is noted in `known`."""
    person = known.of(wanted)
    if person is None:
        return _newcomer(known, wanted)
    if person.is_ended:
        return person, refused(wanted.line, "ACCOUNT_ENDED", "This account was ended by its owner.")
    if wanted.username is not None and wanted.username.lower() != person.username.lower():
        message = "Whoever has this external id has another user name, which stays."
        return person, refused(wanted.line, "NAME_MISMATCH", message)
    if wanted.profile.items() <= person.profile.items():
        return person, "unchanged"
    person.profile = person.profile | wanted.profile
    return person, "updated"


def _newcomer(known: Known, wanted: Wanted) -> tuple[Person | None, str | Outcome]:
    if wanted.username is None:
        message = "Nobody has this externalId, and a newcomer needs a username."
        return None, refused(wanted.line, "MISSING_FIELD", message)
    try:
        key = rules.username(wanted.username, ("username",)).lower()
    except Refused as refusal:
        return None, refused(wanted.line, refusal.reason.value, str(refusal))
    if key in known.by_name:
        return known.by_name[key], refused(wanted.line, "TAKEN", "This user name belongs to somebody else.")
    person = Person.new(wanted.username, wanted.profile, wanted.external)
    known.by_name[key] = person
    if wanted.external is not None:
        known.by_external[wanted.external] = person
    return person, "inserted"
