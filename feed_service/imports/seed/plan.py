"""How much to make, and the fixed people every seeded database has."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from feed_service.errors import ConfigurationError

SPAN = timedelta(days=4 * 365)
"""The oldest posts are this much older than `until`; most are far younger."""

VIEWERS = {"viewer_50": 50, "viewer_500": 500, "viewer_5000": 5_000}
"""Username -> how many people the viewer follows, as far as there are that many."""

VIEWER_TAGS = 20
CELEBRITY_FOLLOWERS = 50_000
PROLIFIC_SHARE = 5
"""One author in every database has written a fifth of all posts: 100,000 of 500,000."""

CELEBRITY = len(VIEWERS) + 1
PROLIFIC = len(VIEWERS) + 2
FEWEST_USERS = 10


def today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class SeedPlan:
    """Equal plans give equal rows. `until` is the newest time of anything but scheduled posts.

    Raises:
        ConfigurationError: the numbers cannot be reached, such as more follows than there are pairs.
    """

    users: int = 1_000
    posts: int = 5_000
    comments: int = 20_000
    likes: int = 50_000
    follows: int = 20_000
    seed: int = 1
    until: datetime = field(default_factory=today)

    def __post_init__(self) -> None:
        if self.users < FEWEST_USERS:
            raise ConfigurationError(f"A seeded database needs at least {FEWEST_USERS} users.")
        if min(self.posts, self.comments, self.likes, self.follows) < 0:
            raise ConfigurationError("A seeded database cannot have a negative number of rows.")
        if self.comments and not self.posts:
            raise ConfigurationError("Comments need posts to stand under.")
        if self.follows > self.users * (self.users - 1) // 4:
            raise ConfigurationError(f"{self.users} users cannot follow each other {self.follows} times.")
        if self.likes > self.users * self.posts // 4:
            raise ConfigurationError(f"{self.users} users cannot like {self.posts} posts {self.likes} times.")

    @property
    def tags(self) -> int:
        return min(2_000, max(2 * VIEWER_TAGS, self.users // 25))

    @property
    def comment_likes(self) -> int:
        """Of all likes, those of comments."""
        return min(self.likes // 8, self.users * self.comments // 4)

    @property
    def post_likes(self) -> int:
        return self.likes - self.comment_likes

    @property
    def bookmarks(self) -> int:
        return self.likes // 25

    @property
    def blocks(self) -> int:
        return self.users // 100

    @property
    def mutes(self) -> int:
        return self.users // 50

    def random(self, purpose: str) -> Random:
        """An own stream of numbers per table, so that more of one does not change the others."""
        return Random(f"{self.seed}:{purpose}")  # noqa: S311 - invented content, not a secret.
