"""A bulk while it is done: which one it is, and, in a dry run, what its earlier rows would have done."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import cast, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from feed_service import models
from feed_service.commands.bulk.statements import TEXTS, among, given
from feed_service.commands.transaction import Transaction
from feed_service.queries.bulk import BULK_ID
from feed_service.transactions import compiled

effect = models.BulkEffect

Effects = dict[str, Any]
"""States by subject: words of the kind of bulk."""

EARLIER = compiled(
    select(effect.subject, effect.state).where(effect.bulk_id == BULK_ID, among(effect.subject, "subjects", TEXTS))
)
_new = given(subjects=TEXTS, states=TEXTS)
_rows = insert(effect).from_select(
    ["bulk_id", "subject", "state"], select(BULK_ID, _new.c.subjects, cast(_new.c.states, JSONB))
)
KEEP = compiled(
    _rows.on_conflict_do_update(index_elements=["bulk_id", "subject"], set_={"state": _rows.excluded.state})
)


@dataclass
class Run:
    """In a dry run, `note` what a row does to a subject, and `earlier` finds it; what is done is found where it is."""

    bulk_id: int
    is_dry: bool = False
    effects: Effects = field(default_factory=dict)
    attempts: int = 0

    async def earlier(self, tx: Transaction, subjects: Collection[str]) -> Effects:
        if not self.is_dry or not subjects:
            return {}
        rows = await tx.sql.rows(EARLIER, bulk_id=self.bulk_id, subjects=sorted(subjects))
        kept = {row["subject"]: row["state"] for row in rows}
        return kept | {subject: self.effects[subject] for subject in subjects if subject in self.effects}

    def note(self, effects: Effects) -> None:
        self.effects |= effects

    async def keep(self, tx: Transaction) -> None:
        """Store what was noted, outside of what is taken back."""
        if self.effects:
            states = [orjson.dumps(state).decode() for state in self.effects.values()]
            await tx.sql.run(KEEP, bulk_id=self.bulk_id, subjects=list(self.effects), states=states)


async def first_time(tx: Transaction, run: Run, changed: Collection[Any]) -> set[Any]:
    """Those of the things that no earlier row of a dry run has changed already."""
    if not run.is_dry:
        return set(changed)
    name_of = {one: str(one) for one in changed}
    earlier = await run.earlier(tx, name_of.values())
    new = {one for one, name in name_of.items() if name not in earlier}
    run.note({name_of[one]: True for one in new})
    return new
