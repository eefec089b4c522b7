"""Posts, deleted and restored: `{"post": 17}`, an id or a slug.

A deleted post takes with it what hangs on it: nobody sees its comments, its author's and its tags' numbers fall, those
of its commenters stay, as with a single deletion. Whoever restores it brings all of that back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from feed_service.commands.bulk.lines import Fields, Outcome, Row, is_id, is_name_or_id, refused
from feed_service.commands.bulk.run import Run, first_time
from feed_service.commands.bulk.stored_posts import (
    Posts,
    deletions_of,
    ended_among,
    hide,
    ids_of,
    lock_posts,
    show,
)
from feed_service.commands.forgetting_texts import is_kept
from feed_service.commands.transaction import Transaction

DELETES = Fields({"post": is_name_or_id}, frozenset({"post"}))
RESTORES = Fields({"post": is_name_or_id, "deletedBy": is_id}, frozenset({"post"}))

RESTORED, NOT_DELETED = "restored", "not_deleted"


async def delete_posts(tx: Transaction, run: Run, rows: Sequence[Row]) -> list[Outcome]:
    """`deleted` or `already_deleted`; refused is NOT_FOUND. What this bulk has deleted can be restored by its id."""
    ids, posts = await _locked(tx, rows)
    live = {one["id"] for one in posts.values() if one["deleted_at"] is None}
    if live:
        await hide(tx, run.bulk_id, [posts[one] for one in sorted(live)])
    first = await first_time(tx, run, live)
    return [
        Outcome(row.line, "deleted" if taken(first, one) else "already_deleted", one) if one in posts else absent(row)
        for row, one in zip(rows, ids, strict=True)
    ]


async def restore_posts(tx: Transaction, run: Run, rows: Sequence[Row]) -> list[Outcome]:
    """`restored` or `not_deleted`; refused are NOT_FOUND, FORBIDDEN for what only its author may bring back, TOO_LATE.

    With `deletedBy`, the id of a bulk, a post stays as it is, `changed_since`, if it was restored since then, or
    deleted by somebody else.
    """
    ids, posts = await _locked(tx, rows)
    deletions, ended = await deletions_of(tx, posts), await ended_among(tx, posts.values())
    earlier = {int(one) for one in await run.earlier(tx, {str(one) for one in posts})}
    judge = Judge(tx.viewer.user_id, posts, deletions, ended, earlier)
    outcomes = [judge.outcome(row, one) for row, one in zip(rows, ids, strict=True)]
    hidden = {one.id for one in outcomes if one.outcome == RESTORED and one.id is not None}
    if hidden:
        await show(tx, [posts[one] for one in sorted(hidden)])
    first = await first_time(tx, run, hidden)
    return [
        one if one.outcome != RESTORED or taken(first, one.id) else one._replace(outcome=NOT_DELETED)
        for one in outcomes
    ]


@dataclass(frozen=True)
class Judge:
    """Says which posts are restored, as they are found. `earlier` are those that a dry run has restored before."""

    me: int | None
    posts: Posts
    deletions: Collection[tuple[int, int]]
    ended: Collection[int]
    earlier: Collection[int]

    def outcome(self, row: Row, post_id: int) -> Outcome:
        if post_id not in self.posts:
            return absent(row)
        post, deleted_by = self.posts[post_id], row.fields.get("deletedBy")
        if deleted_by is not None and ((deleted_by, post_id) not in self.deletions or post_id in self.earlier):
            return Outcome(row.line, "changed_since", post_id)
        if post["deleted_at"] is None or post_id in self.earlier:
            return Outcome(row.line, NOT_DELETED, post_id)
        is_authors = deleted_by is None and post["deleted_by_id"] == post["author_id"] != self.me
        if is_authors or post["author_id"] in self.ended:
            return refused(row.line, "FORBIDDEN", "Only its author may bring this post back.", post_id)
        if not is_kept(post["deleted_at"], post["now"]):
            return refused(row.line, "TOO_LATE", "Its text is not kept any longer.", post_id)
        return Outcome(row.line, RESTORED, post_id)


async def _locked(tx: Transaction, rows: Sequence[Row]) -> tuple[list[int], Posts]:
    """The id that each row means, 0 for none, and the posts there are, locked."""
    id_of = await ids_of(tx, {row.fields["post"] for row in rows})
    return [id_of.get(row.fields["post"], 0) for row in rows], await lock_posts(tx, id_of.values())


def taken(ids: set[int], post_id: int | None) -> bool:
    """Whether it was in the set: the first line about a post finds it there, those behind it do not."""
    found = post_id in ids
    ids.discard(post_id or 0)
    return found


def absent(row: Row) -> Outcome:
    return refused(row.line, "NOT_FOUND", "There is no such post.")
