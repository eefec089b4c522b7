"""Search: words in posts, names of users and tags, in one order of relevance."""

import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Float,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from feed_service import models
from feed_service.paging import Slice, Sort
from feed_service.queries.visibility import post_listed_for, user_listed_for
from feed_service.viewer import Viewer
from feed_service.vocabulary import SearchType

MAX_MATCHES = 5_000
"""The newest posts, and the first names, among the matches that are ranked; older ones are not found."""

PREFIX_LETTERS = 2
"""Names are compared by their beginning up to this length, by trigrams above it: shorter words have none."""

CODES = {SearchType.POST: 1, SearchType.TAG: 2, SearchType.USER: 3}
KEY_TYPES = "fii"


def matches(viewer: Viewer, words: str, types: Collection[SearchType], part: Slice) -> Select[*tuple[Any, ...]]:
    """(type code, item id, score, is_capped) of one page, most relevant first."""
    branches = {
        SearchType.POST: matching_posts(viewer, words),
        SearchType.TAG: matching_tags(words),
        SearchType.USER: matching_users(viewer, words),
    }
    found = union_all(*(branch for type_, branch in branches.items() if type_ in types)).subquery("found")
    sort = Sort((found.c.score, found.c.type_code, found.c.item_id))
    return sort.slice(select(found.c.score, found.c.type_code, found.c.item_id, found.c.is_capped), part)


def matching_posts(viewer: Viewer, words: str) -> Select[*tuple[Any, ...]]:
    """Listed posts with all the words, in the syntax of web searches: "a phrase", or, -without.

    For a frequent word PostgreSQL reads the newest posts, for a rare one it asks the index of words.
    """
    query = func.websearch_to_tsquery(literal_column("'simple'::regconfig"), _literal(words))
    searched = models.PostSearch
    newest = (
        select(searched.post_id, searched.document)
        .where(searched.document.op("@@")(query), searched.published_at <= func.now())
        .order_by(searched.published_at.desc(), searched.post_id.desc())
        .limit(MAX_MATCHES)
        .cte("newest")
    )
    # 32: rank / (rank + 1), which lies between 0 and 1 as a similarity does.
    score = func.ts_rank(newest.c.document, query, 32)
    listed = select(models.Post.id).where(models.Post.id == newest.c.post_id, post_listed_for(viewer)).exists()
    return _found(SearchType.POST, newest.c.post_id, score, newest).where(listed)


def matching_users(viewer: Viewer, words: str) -> Select[*tuple[Any, ...]]:
    """Listed people by user name or display name."""
    user = models.User
    # As the index spells it.
    names = literal_column("(users.username || ' '::text || users.display_name)", Text)
    first = _first_named(user, names, (user.username, user.display_name), words)
    return _found(SearchType.USER, first.c.id, _similarity(words, first.c.names), first).where(
        user_listed_for(viewer, first.c.id)
    )


def matching_tags(words: str) -> Select[*tuple[Any, ...]]:
    first = _first_named(models.Tag, models.Tag.name, (models.Tag.name,), words)
    return _found(SearchType.TAG, first.c.id, _similarity(words, first.c.names), first)


def _first_named(table: Any, names: Any, columns: tuple[Any, ...], words: str) -> CTE:  # noqa: ANN401 - User or Tag.
    """(id, names) of those whose names match."""
    if len(words) <= PREFIX_LETTERS:
        beginning = _literal(re.sub(r"([\\%_])", r"\\\1", words.lower()) + "%")
        condition = or_(*(func.lower(column).like(beginning) for column in columns))
    else:
        condition = _literal(words).op("<%", is_comparison=True)(names)
    return select(table.id, names.label("names")).where(condition).order_by(table.id).limit(MAX_MATCHES).cte()


def _similarity(words: str, names: ColumnElement[str]) -> ColumnElement[Any]:
    """How much of the words a name has, and, to put the exact one first, how much of the name they make up."""
    return (func.word_similarity(words, names) * 3 + func.similarity(words, names)) / 4


def _found(
    type_: SearchType, item_id: ColumnElement[int], score: ColumnElement[Any], matched: CTE
) -> Select[*tuple[Any, ...]]:
    count = select(func.count()).select_from(matched).scalar_subquery()
    return select(
        literal(CODES[type_], BigInteger).label("type_code"),
        item_id.label("item_id"),
        cast(score, Float(53)).label("score"),
        (count >= MAX_MATCHES).label("is_capped"),
    )


def _literal(words: str) -> ColumnElement[str]:
    """The words as a part of the statement: as a parameter, PostgreSQL would plan for a word it does not know."""
    return bindparam(None, words, Text, unique=True, literal_execute=True)
