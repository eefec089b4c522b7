"""Scalars beyond GraphQL's own."""

import re
from datetime import datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

Markdown = NewType("Markdown", str)
HTML = NewType("HTML", str)
SyncToken = NewType("SyncToken", str)
ConsistencyToken = NewType("ConsistencyToken", str)

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)


def moment(text: str) -> datetime:
    """Raises ValueError for what names no moment: `fromisoformat` takes a time without its offset, too."""
    if not isinstance(text, str) or not RFC_3339.fullmatch(text):
        raise ValueError("A DateTime is written as in 2026-11-21T07:30:00Z.")
    return datetime.fromisoformat(text)


def token(text: object) -> str:
    if not isinstance(text, str):
        raise ValueError("A SyncToken is text.")  # noqa: TRY004 - graphql-core takes a ValueError for the client's.
    return text


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment as RFC 3339 writes it, in UTC, microseconds kept.",
        serialize=datetime.isoformat,
        parse_value=moment,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
    SyncToken: strawberry.scalar(
        name="SyncToken",
        description="Opaque; what a client has seen of a feed or a thread, for `since` of its polls.",
        parse_value=token,
    ),
    ConsistencyToken: strawberry.scalar(
        name="ConsistencyToken", description="Opaque; what a mutation has written, for the header Feed-Consistency."
    ),
    Markdown: strawberry.scalar(name="Markdown", description="Text in CommonMark, as its author wrote it."),
    HTML: strawberry.scalar(name="HTML", description="Sanitised HTML: no scripts, styles, images or unsafe links."),
}
