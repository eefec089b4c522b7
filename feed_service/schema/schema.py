"""The schema as one object, and as the file `schema.graphql`."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from feed_service.schema.comments import Comment
from feed_service.schema.mutation import Mutation
from feed_service.schema.payloads import ERROR_TYPES
from feed_service.schema.query import Query
from feed_service.schema.scalars import SCALARS

schema = strawberry.Schema(Query, Mutation, types=[Comment, *ERROR_TYPES], config=StrawberryConfig(scalar_map=SCALARS))


def printed() -> str:
    """What `schema.graphql` holds."""
    return schema.as_str() + "\n"
