"""Search: words in posts, names of users and tags, in one order of relevance."""

import re
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Float,
    FromClause,
    Select,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
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
        SearchType.POST: matching_posts(),
        SearchType.TAG: matching_names(SearchType.TAG, models.Tag, models.Tag.name, (models.Tag.name,), is_short),
        SearchType.USER: matching_users(is_short),
    }
    found = union_all(*(branch for type_, branch in branches.items() if type_ in types)).subquery("found")
    part = with_parameters(shape, _sort(found))
    # OFFSET 0 keeps the look at each item behind the sort: it then costs a page of looks, not one for each match.
    ordered = _sort(found).slice(select(found), part).limit(None).offset(0).subquery("ordered")
    listed = select(ordered).where(_listed(viewer, ordered))
    return _sort(ordered).slice(listed, Slice(part.limit, part.backwards))


def _sort(found: FromClause) -> Sort:
    return Sort((found.c.score, found.c.type_code, found.c.item_id))


def _listed(viewer: Viewer, found: FromClause) -> ColumnElement[bool]:
    post, code, item_id = models.Post, found.c.type_code, found.c.item_id
    post_is_listed = select(post_listed_for(viewer)).where(post.id == item_id).correlate_except(post)
    return case(
        (code == CODES[SearchType.POST], post_is_listed.scalar_subquery()),
        (code == CODES[SearchType.USER], user_listed_for(viewer, item_id)),
        else_=true(),
    )


def matching_posts() -> Rows:
    """Posts with all the words, in the syntax of web searches: "a phrase", or, -without.

    For a frequent word PostgreSQL reads the newest posts, for a rare one it asks the index of words.
    """
    query = func.websearch_to_tsquery(literal_column("'simple'::regconfig"), WORDS)
    searched = models.PostSearch
    # 32: rank / (rank + 1), which lies between 0 and 1 as a similarity does.
    score = func.ts_rank(searched.document, query, 32)
    newest = (
        select(searched.post_id.label("id"), score.label("score"))
        .where(searched.document.op("@@")(query), searched.published_at <= func.now())
        .order_by(searched.published_at.desc(), searched.post_id.desc())
        .limit(MAX_MATCHES)
        .cte("newest")
    )
    return _found(SearchType.POST, newest)


def matching_users(is_short: bool) -> Rows:
    """People by user name or display name."""
    user = models.User
    # As the index spells it.
    names = literal_column("(users.username || ' '::text || users.display_name)", Text)
    return matching_names(SearchType.USER, user, names, (user.username, user.display_name), is_short)


def matching_names(
    type_: SearchType,
    table: Any,  # noqa: ANN401 - User or Tag.
    names: Any,  # noqa: ANN401 - what the words are compared with.
    columns: tuple[Any, ...],
    is_short: bool,
) -> Rows:
    """The first whose `names` have the words, or one of whose `columns` begins with them if they are short."""
    if is_short:
        condition = or_(*(func.lower(column).like(BEGINNING) for column in columns))
    else:
        condition = WORDS.op("<%", is_comparison=True)(names)
    first = select(table.id, _similarity(names).label("score")).where(condition).order_by(table.id).limit(MAX_MATCHES)
    return _found(type_, first.cte())


def _similarity(names: ColumnElement[str]) -> ColumnElement[Any]:
    """How much of the words a name has, and, to put the exact one first, how much of the name they make up."""
    return (func.word_similarity(WORDS, names) * 3 + func.similarity(WORDS, names)) / 4


def _found(type_: SearchType, matched: CTE) -> Rows:
    """(type_code, item_id, score, is_capped) of matches (id, score), whoever may see them."""
    count = select(func.count()).select_from(matched).scalar_subquery()
    return select(
        literal(CODES[type_], BigInteger).label("type_code"),
        matched.c.id.label("item_id"),
        cast(matched.c.score, Float(53)).label("score"),
        (count >= MAX_MATCHES).label("is_capped"),
    )
