"""Forward names of the object types, which refer to each other by nature."""

from typing import Annotated, TypeAlias

import strawberry

LazyUser: TypeAlias = Annotated["User", strawberry.lazy("feed_service.schema.users")]  # type: ignore[name-defined]  # noqa: F821
LazyPost: TypeAlias = Annotated["Post", strawberry.lazy("feed_service.schema.posts")]  # type: ignore[name-defined]  # noqa: F821
LazyComment: TypeAlias = Annotated["Comment", strawberry.lazy("feed_service.schema.comments")]  # type: ignore[name-defined]  # noqa: F821
LazyTag: TypeAlias = Annotated["Tag", strawberry.lazy("feed_service.schema.tags")]  # type: ignore[name-defined]  # noqa: F821
LazyCategory: TypeAlias = Annotated["Category", strawberry.lazy("feed_service.schema.tags")]  # type: ignore[name-defined]  # noqa: F821
