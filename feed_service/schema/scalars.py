"""Scalars beyond GraphQL's own."""

from datetime import datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

Markdown = NewType("Markdown", str)
HTML = NewType("HTML", str)

SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment as RFC 3339 writes it, in UTC, microseconds kept.",
        serialize=datetime.isoformat,
        parse_value=datetime.fromisoformat,
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
    Markdown: strawberry.scalar(name="Markdown", description="Text in CommonMark, as its author wrote it."),
    HTML: strawberry.scalar(name="HTML", description="Sanitised HTML: no scripts, styles, images or unsafe links."),
}
