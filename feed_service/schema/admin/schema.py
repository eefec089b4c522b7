"""The schema of administrators as one object, and as text."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from feed_service.schema.admin.derived import Whole
from feed_service.schema.admin.query import AdminQuery
from feed_service.schema.scalars import SCALARS

WHOLE = strawberry.scalar(
    name="Whole", description="A whole number, of which JSON carries 53 bits exactly.", serialize=int
)

schema = strawberry.Schema(AdminQuery, config=StrawberryConfig(scalar_map={**SCALARS, Whole: WHOLE}))


def printed() -> str:
    return schema.as_str() + "\n"
