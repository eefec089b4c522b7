"""Search: words in posts, names of users and tags, in one order of relevance."""

import re
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
from feed_service.queries.prepared import Prepared, anybody_like, shape_of, values_of, with_parameters
from feed_service.queries.visibility import post_listed_for, user_listed_for
from feed_service.statements import built_once
from feed_service.viewer import Viewer
from feed_service.vocabulary import SearchType

MAX_MATCHES = 5_000
"""The newest posts, and the first names, among the matches that are ranked; older ones are not found."""

PREFIX_LETTERS = 2
"""Names are compared by their beginning up to this length, by trigrams above it: shorter words have none."""

Rows = Select[*tuple[Any, ...]]

CODES = {SearchType.POST: 1, SearchType.TAG: 2, SearchType.USER: 3}
KEY_TYPES = "fii"


WORDS = bindparam("words", type_=Text, literal_execute=True)
"""A part of the statement's text: as a parameter, PostgreSQL would plan for words it does not know."""

BEGINNING = bindparam("beginning", type_=Text, literal_execute=True)


def matches(viewer: Viewer, words: str, types: frozenset[SearchType], part: Slice) -> Prepared:
    """(type code, item id, score, is_capped) of one page, most relevant first."""
    statement = _matches(anybody_like(viewer), types, len(words) <= PREFIX_LETTERS, shape_of(part))
    beginning = re.sub(r"([\\%_])", r"\\\1", words.lower()) + "%"
    return Prepared(statement, values_of(viewer, part) | {"words": words, "beginning": beginning})


@built_once
def _matches(viewer: Viewer, types: frozenset[SearchType], is_short: bool, shape: Slice) -> Rows:
    branches = {
        SearchType.POST: matching_posts(viewer),
        SearchType.TAG: matching_tags(is_short),
        SearchType.USER: matching_users(viewer, is_short),
    }
    found = union_all(*(branch for type_, branch in branches.items() if type_ in types)).subquery("found")
    sort = Sort((found.c.score, found.c.type_code, found.c.item_id))
    page = select(found.c.score, found.c.type_code, found.c.item_id, found.c.is_capped)
    return sort.slice(page, with_parameters(shape, sort))


def matching_posts(viewer: Viewer) -> Rows:
    """Listed posts with all the words, in the syntax of web searches: "a phrase", or, -without.

    For a frequent word PostgreSQL reads the newest posts, for a rare one it asks the index of words.
    """
    query = func.websearch_to_tsquery(literal_column("'simple'::regconfig"), WORDS)
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


def matching_users(viewer: Viewer, is_short: bool) -> Rows:
    """Listed people by user name or display name."""
    user = models.User
    # As the index spells it.
    names = literal_column("(users.username || ' '::text || users.display_name)", Text)
    first = _first_named(user, names, (user.username, user.display_name), is_short)
    return _found(SearchType.USER, first.c.id, _similarity(first.c.names), first).where(
        user_listed_for(viewer, first.c.id)
    )


def matching_tags(is_short: bool) -> Rows:
    first = _first_named(models.Tag, models.Tag.name, (models.Tag.name,), is_short)
    return _found(SearchType.TAG, first.c.id, _similarity(first.c.names), first)


def _first_named(table: Any, names: Any, columns: tuple[Any, ...], is_short: bool) -> CTE:  # noqa: ANN401 - User or Tag.
    """(id, names) of those whose names match."""
    if is_short:
        condition = or_(*(func.lower(column).like(BEGINNING) for column in columns))
    else:
        condition = WORDS.op("<%", is_comparison=True)(names)
    return select(table.id, names.label("names")).where(condition).order_by(table.id).limit(MAX_MATCHES).cte()


def _similarity(names: ColumnElement[str]) -> ColumnElement[Any]:
    """How much of the words a name has, and, to put the exact one first, how much of the name they make up."""
    return (func.word_similarity(WORDS, names) * 3 + func.similarity(WORDS, names)) / 4


def _found(type_: SearchType, item_id: ColumnElement[int], score: ColumnElement[Any], matched: CTE) -> Rows:
    count = select(func.count()).select_from(matched).scalar_subquery()
    return select(
        literal(CODES[type_], BigInteger).label("type_code"),
        item_id.label("item_id"),
        cast(score, Float(53)).label("score"),
        (count >= MAX_MATCHES).label("is_capped"),
    )
