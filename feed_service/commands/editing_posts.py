"""Edits of posts: the newest version is in `posts`, what readers could see before in `content_edits`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Text, bindparam, case, func, update

from feed_service import models
from feed_service.accounts.rules import Form
from feed_service.commands import edits, standing, tagging, texts
from feed_service.commands.audit import AuditEvent
from feed_service.commands.content import POST_ID
from feed_service.commands.own_posts import own_post
from feed_service.commands.standing import Standing
from feed_service.commands.transaction import Transaction, not_repeatable
from feed_service.errors import VersionConflict
from feed_service.transactions import compiled

post = models.Post
EDIT = compiled(
    update(post)
    .where(post.id == POST_ID)
    .values(
        title=bindparam("title", type_=Text), body=bindparam("body", type_=Text), version=post.version + 1,
        updated_at=func.now(), edited_at=case((bindparam("is_live", type_=Boolean), func.now()), else_=post.edited_at),
    )
)  # fmt: skip


@dataclass(frozen=True)
class PostChange:
    """As the client sent it. None leaves a thing as it is, and expects no version."""

    post_id: int
    title: str | None = None
    body: str | None = None
    tags: Sequence[str] | None = None
    expected_version: int | None = None


async def update_post(tx: Transaction, change: PostChange) -> int:
    """Change the viewer's own post; what is so already is no change. What readers could see before is kept.

    Raises:
        Refused: it is not the viewer's, or not there.
        VersionConflict: it has not the version that the change expects.
        ManyRefused: something breaks a rule.
    """
    row, form = await own_post(tx, change.post_id), Form()
    if change.expected_version not in {None, row["version"]}:
        raise VersionConflict("The post has been edited since the version you expect.", row["version"])
    before = {"title": row["title"], "body": row["body"]}
    given: tuple[Any, ...] = (("title", texts.title, change.title), ("body", texts.body, change.body))
    after = before | {name: form.field(name, rule, text) for name, rule, text in given if text is not None}
    names = None if change.tags is None else form.field("tags", tagging.named, change.tags)
    form.check()
    was_tagged = await tagging.tags_of(tx, row["id"])
    is_tagged = was_tagged if names is None else await tagging.tag_ids(tx, names)
    if (before, was_tagged) != (after, is_tagged):
        await _edited(tx, row, after, was_tagged, is_tagged)
    return change.post_id


async def _edited(
    tx: Transaction, row: Mapping[str, Any], after: Mapping[str, Any], was_tagged: list[int], is_tagged: list[int]
) -> None:
    stands, before = Standing.of(row), {name: row[name] for name in after}
    is_live = stands.is_live(row["now"])
    if is_live and before != after:
        await edits.keep_post(tx, row["id"], row["version"], **before)
    await tx.sql.run(EDIT, post_id=row["id"], is_live=is_live, **after)
    await tagging.link_tags(tx, row["id"], row["author_id"], stands.published_at, was_tagged, is_tagged)
    if stands.is_in_lists:
        await tx.sql.run(standing.FILL_WORDS, ids=[row["id"]])
    if stands.counts:
        for tag_id in {*was_tagged} ^ {*is_tagged}:
            tx.count(models.TagStats, tag_id, post_count=1 if tag_id in is_tagged else -1)
    standing.tell(tx, row, "update", (stands, was_tagged), (stands, is_tagged))
    changed = [name for name in after if before[name] != after[name]]
    private = {"before": {name: before[name] for name in changed}, "after": {name: after[name] for name in changed}}
    facts = {"version": row["version"] + 1, "before": {"tag_ids": was_tagged}, "after": {"tag_ids": is_tagged}}
    tx.audited(AuditEvent("post.update", "post", row["id"], facts, owner_id=row["author_id"], private=private))


@not_repeatable
async def update_version(tx: Transaction, change: PostChange) -> int:
    """`update_post` for a change that expects a version: once it is stored, it would conflict with itself."""
    return await update_post(tx, change)
