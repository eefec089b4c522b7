"""What every table shares: naming of constraints, column types, and no lazy loading."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, MetaData, Text, func
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        int: BigInteger,
        str: Text,
        datetime: DateTime(timezone=True),
    }


BigId = Annotated[int, mapped_column(Identity(), primary_key=True)]
"""A bigint key. BY DEFAULT, so that COPY can bring its own ids."""

Created = Annotated[datetime, mapped_column(server_default=func.now())]

Count = Annotated[int, mapped_column(server_default="0")]
"""A counter; each table that has one adds `CHECK (n >= 0)`."""


def reference(target: str, *, primary_key: bool = False) -> Any:  # noqa: ANN401 - what mapped_column returns depends on the annotation.
    return mapped_column(ForeignKey(target), primary_key=primary_key)


def index(name: str, *expressions: Any, serves: str, **options: Any) -> Index:  # noqa: ANN401 - columns, expressions and dialect options.
    """An index that names the query which needs it (a test keeps this true).

    `serves` is the module and function below `feed_service.queries`, for example `posts.of_author`, or the
    constraint that needs it, written `foreign key`.
    """
    return Index(name, *expressions, info={"serves": serves}, **options)
