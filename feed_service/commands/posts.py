"""Posts: created, deleted and restored. `commands.publishing` says when they are published."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Text, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from feed_service import models
from feed_service.accounts.rules import Form
from feed_service.commands import forgetting_texts, publishing, standing, tagging, texts
from feed_service.commands.audit import AuditEvent
from feed_service.commands.own_posts import moderated_post
from feed_service.commands.permissions import restorer, signed_in
from feed_service.commands.standing import NEVER, Standing
from feed_service.commands.transaction import Transaction, not_repeatable
from feed_service.errors import Invalid, Refused
from feed_service.slugs import slug_of
from feed_service.transactions import compiled
from feed_service.vocabulary import PublishMode, UserErrorCode

MOST_IN_SLUG = 80
SLUG_BYTES = 4
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", re.ASCII)

post = models.Post
AT = bindparam("published_at", type_=DateTime(timezone=True))

CATEGORY = compiled(select(models.Category.id).where(models.Category.slug == bindparam("slug", type_=Text)))
_new = (
    upsert(post)
    .values(
        author_id=bindparam("author_id", type_=BigInteger), category_id=bindparam("category_id", type_=BigInteger),
        slug=bindparam("slug", type_=Text), title=bindparam("title", type_=Text), body=bindparam("body", type_=Text),
        language=bindparam("language", type_=Text), status=bindparam("status", type_=Text),
        published_at=func.coalesce(AT, func.now()),
    )
    .on_conflict_do_nothing(index_elements=[post.slug])
    .returning(post.id, post.author_id, post.status, post.published_at, post.deleted_at, post.deleted_by_id)
    .cte("new")
)  # fmt: skip
_counted = insert(models.PostStats).from_select(["post_id"], select(_new.c.id)).cte("counted")
ADD = compiled(select(*_new.c, func.now().label("now")).add_cte(_counted))


@dataclass(frozen=True)
class NewPost:
    """As the client sent it. `publish_at` belongs to `PublishMode.AT` alone."""

    title: str
    body: str = ""
    tags: Sequence[str] = ()
    category: str | None = None
    language: str | None = None
    publish: PublishMode = PublishMode.NOW
    publish_at: datetime | None = None


@not_repeatable
async def create_post(tx: Transaction, new: NewPost) -> int:
    """The id of the new post. Raises ManyRefused for what breaks a rule."""
    me, form = signed_in(tx.viewer), Form()
    text = {"title": form.field("title", texts.title, new.title), "body": form.field("body", texts.body, new.body)}
    names = form.field("tags", tagging.named, new.tags)
    text["language"] = form.field("language", language, new.language)
    status, at = form.field("publishAt", publishing.begun, new.publish, new.publish_at) or ("draft", NEVER)
    category_id = await _category_id(tx, form, new.category)
    form.check()
    tags = await tagging.tag_ids(tx, names or {})
    row = await _added(tx, author_id=me, category_id=category_id, status=status, published_at=at, **text)
    begins = await standing.begin(tx, row, tags)
    facts = {"after": begins.told() | {"tag_ids": tags, "category_id": category_id}}
    tx.audited(AuditEvent("post.create", "post", row["id"], facts, owner_id=me, private={"after": text}))
    return int(row["id"])


async def _added(tx: Transaction, **columns: Any) -> Any:  # noqa: ANN401 - values of columns; a record.
    """A slug ends at random: were it the title alone, whoever gets another would learn of a draft of that title."""
    words = slug_of(columns["title"][:MOST_IN_SLUG], "post")[:MOST_IN_SLUG].strip("-")
    row = None
    while row is None:
        row = await tx.sql.row(ADD, slug=f"{words}-{secrets.token_hex(SLUG_BYTES)}", **columns)
    return row


async def _category_id(tx: Transaction, form: Form, slug: str | None) -> int | None:
    if slug is None:
        return None
    texts.require_characters(slug)
    found: int | None = await tx.sql.value(CATEGORY, slug=slug)
    form.field("category", known_category, found)
    return found


def known_category(category_id: int | None, field: Sequence[str]) -> int:
    if category_id is None:
        raise Refused(UserErrorCode.NOT_FOUND, "There is no such category.", field)
    return category_id


def language(tag: str | None, field: Sequence[str]) -> str | None:
    if tag is not None and not LANGUAGE.fullmatch(tag):
        message = "A language is named by a tag such as en or pt-BR."
        raise Invalid(UserErrorCode.INVALID, message, field, "BCP 47")
    return tag


async def delete_post(tx: Transaction, post_id: int) -> int:
    """Hide a post from all but moderators. Its likes and comments stay, unseen.

    What a moderator deletes stays deleted, also if its author has deleted it before. Raises Refused for whoever is
    neither its author nor a moderator who can see it.
    """
    row = await moderated_post(tx, post_id)
    me, stands = signed_in(tx.viewer), Standing.of(row)
    is_taken_over = stands.deleted_by_id == row["author_id"] != me
    if stands.deleted_at is None or is_taken_over:
        deleted = stands._replace(deleted_at=stands.deleted_at or row["now"], deleted_by_id=me)
        await standing.move(tx, row, deleted, "delete")
    return post_id


async def restore_post(tx: Transaction, post_id: int) -> int:
    """Bring back a deleted post: its author what they deleted themselves, a moderator what others did.

    Raises Refused, also when it was deleted too long ago.
    """
    row = await moderated_post(tx, post_id)
    stands = Standing.of(row)
    if stands.deleted_at is not None:
        restorer(tx.viewer, row["author_id"], stands.deleted_by_id, "post")
        forgetting_texts.kept(stands.deleted_at, row["now"], "post")
        await standing.move(tx, row, stands._replace(deleted_at=None, deleted_by_id=None), "restore")
    return post_id
