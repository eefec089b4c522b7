"""The schema as one object, and as the file `schema.graphql`."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from feed_service.schema.comments import Comment
from feed_service.schema.query import Query
from feed_service.schema.scalars import SCALARS

schema = strawberry.Schema(Query, types=[Comment], config=StrawberryConfig(scalar_map=SCALARS))


def printed() -> str:
    """What `schema.graphql` holds."""
    return schema.as_str() + "\n"
