"""Which of a feed's candidates a client wants to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, DateTime, Select, bindparam, select

from feed_service import models
from feed_service.queries.batches import ids_parameter, is_any
from feed_service.queries.prepared import Prepared
from feed_service.statements import built_once

KEPT_STATEMENTS = 500
"""Statements that stay built: a client that pages asks the same filter again and again."""


@dataclass(frozen=True)
class FeedFilter:
    """What a post must be to pass; None lets everything pass."""

    category: str | None = None
    tags: tuple[str, ...] | None = None
    exclude_tags: tuple[str, ...] | None = None
    authors: tuple[int, ...] | None = None
    languages: tuple[str, ...] | None = None


def passing(post_ids: Sequence[int], wanted: FeedFilter, since: datetime | None) -> Any:  # noqa: ANN401 - a Prepared of ids.
    """Which of the posts pass the filter and were published after `since`."""
    return Prepared(_passing(wanted, since is not None), {"ids": post_ids, "since": since})


@partial(built_once, most=KEPT_STATEMENTS)
def _passing(wanted: FeedFilter, has_window: bool) -> Select[int]:
    post = models.Post
    posts = select(post.id).where(is_any(post.id, ids_parameter("ids")), *conditions(wanted))
    return posts.where(post.published_at > bindparam("since", type_=DateTime(timezone=True))) if has_window else posts


def conditions(wanted: FeedFilter) -> list[ColumnElement[bool]]:
    """What a post must be to pass the filter."""
    post, found = models.Post, []
    if wanted.category is not None:
        category = select(models.Category.id).where(models.Category.slug == wanted.category)
        found.append(post.category_id == category.scalar_subquery())
    if wanted.tags is not None:
        found.append(_has_tag(wanted.tags))
    if wanted.exclude_tags is not None:
        found.append(~_has_tag(wanted.exclude_tags))
    if wanted.authors is not None:
        found.append(is_any(post.author_id, wanted.authors))
    if wanted.languages is not None:
        found.append(is_any(post.language, wanted.languages))
    return found


def _has_tag(slugs: Sequence[str]) -> ColumnElement[bool]:
    use, tag = models.PostTag, models.Tag
    used = select(use.tag_id).join(tag, tag.id == use.tag_id)
    return used.where(use.post_id == models.Post.id, is_any(tag.slug, slugs)).exists()
