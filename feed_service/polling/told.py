"""What a poll answers, of a feed and of a thread alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from feed_service.polling.tokens import SyncToken

Added = TypeVar("Added")


@dataclass(frozen=True)
class Changes(Generic[Added]):
    """What to put into the list, and the ids of what to replace in it and to take out of it.

    `added` are posts with keys as in the order NEWEST, or ids of comments.
    """

    token: SyncToken
    added: Sequence[Added] = ()
    updated: Sequence[int] = ()
    removed: Sequence[int] = ()
    has_more: bool = False
    must_begin_anew: bool = False

    @property
    def outcome(self) -> str:
        """By which polls are counted."""
        if self.must_begin_anew:
            return "reset"
        return "delta" if self.added or self.updated or self.removed else "empty"
