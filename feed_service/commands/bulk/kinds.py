"""The kinds of bulks: what their lines may hold, and what is done with them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feed_service.commands.bulk import follows, posts, users
from feed_service.commands.bulk.cutting import CHUNK_LINES
from feed_service.commands.bulk.lines import Fields, Outcome, Row
from feed_service.commands.bulk.run import Run
from feed_service.commands.transaction import Transaction
from feed_service.errors import NotFound


def as_it_is(row: Row) -> Row:
    return row


CHUNK_POSTS = 500
"""Nobody likes or comments on posts that are locked; to restore one, with its words and ranks, takes 0.3 ms."""


@dataclass(frozen=True)
class Kind:
    """`understand` makes of a row what `do` works on, which has its `line`, too, or refuses it: without the database.

    `do` gives an outcome for each, in any order. It writes nothing for what it refuses.
    """

    name: str
    about: str
    fields: Fields
    chunk_lines: int
    do: Callable[[Transaction, Run, Sequence[Any]], Awaitable[list[Outcome]]]
    understand: Callable[[Row], Any] = as_it_is


DELETE, RESTORE = "delete-posts", "restore-posts"

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "users", "Add users, or bring them up to date", users.FIELDS, CHUNK_LINES,
            users.upsert_users, users.within_rules,
        ),
        Kind("follows", "Have users follow each other", follows.FIELDS, CHUNK_LINES, follows.follow_users),
        Kind("unfollows", "Take follows back", follows.FIELDS, CHUNK_LINES, follows.unfollow_users),
        Kind(DELETE, "Delete posts with all that hangs on them", posts.DELETES, CHUNK_POSTS, posts.delete_posts),
        Kind(RESTORE, "Bring deleted posts back", posts.RESTORES, CHUNK_POSTS, posts.restore_posts),
    )
}  # fmt: skip


def kind_named(name: str) -> Kind:
    """Raises NotFound."""
    if name not in KINDS:
        raise NotFound(f"There is no such kind of bulk; there are {', '.join(KINDS)}.")
    return KINDS[name]
