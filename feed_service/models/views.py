"""Since when it is known who viewed what."""

from datetime import datetime

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base


class ViewHorizon(Base):
    """Views before `since` were counted, and forgotten within hours. There is one row, or none."""

    __tablename__ = "view_horizon"

    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    since: Mapped[datetime]

    __table_args__ = (CheckConstraint("id", name="one_row"),)
