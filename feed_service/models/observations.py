"""What the service has measured, kept so that a report can look back: a row for each minute and process."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from feed_service.models.base import Base


class Observation(Base):
    """One row of measurements, written and read by `operations.history`.

    Of `kind` `service`, what the process `source` did in the minute before `at`; of `statements`, what
    pg_stat_statements had counted by then.
    """

    __tablename__ = "observations"

    kind: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
