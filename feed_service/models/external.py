"""Where imported rows come from."""

from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base


class ExternalId(Base):
    """The row of kind `kind` that came from `source` under `external_id` is `local_id` here."""

    __tablename__ = "external_ids"

    source: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    local_id: Mapped[int]
