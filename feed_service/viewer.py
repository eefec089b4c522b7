"""Who is asking. Handed down as an argument; no context variable carries it."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    USER = "user"
    MODERATOR = "moderator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in user, or nobody: `user_id` is None for an anonymous visitor.

    `session_id` is None also for tokens that belong to no session of ours.
    """

    user_id: int | None = None
    role: Role = Role.USER
    session_id: int | None = None

    @property
    def is_anonymous(self) -> bool:
        return self.user_id is None

    @property
    def is_moderator(self) -> bool:
        """Whether deleted and suspended content may be opened by its id."""
        return self.role in {Role.MODERATOR, Role.ADMIN}


ANONYMOUS = Viewer()
