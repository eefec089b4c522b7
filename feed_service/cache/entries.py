"""Every key the cache may hold, its version and its lifetime: numbers, ids and public facts, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PREFIX = "feed1"
"""Its number changes with the form of what is written behind every key (`envelope`)."""


def is_anything(_: Any) -> bool:  # noqa: ANN401 - JSON.
    return True


def is_list_of_numbers(value: Any) -> bool:  # noqa: ANN401 - JSON.
    return isinstance(value, list) and all(type(item) is int for item in value)


def is_number(value: Any) -> bool:  # noqa: ANN401 - JSON.
    return type(value) is int


def is_generation(value: Any) -> bool:  # noqa: ANN401 - JSON.
    """[id, microseconds since 1970, post ids]."""
    return isinstance(value, list) and len(value) == 3 and all(map(is_list_of_numbers, (value[:2], value[2])))


def is_row_of(length: int) -> Callable[[Any], bool]:
    """A list of numbers, None among them, as a row of counters is written."""

    def is_row(value: Any) -> bool:  # noqa: ANN401 - JSON.
        return (
            isinstance(value, list)
            and len(value) == length
            and all(item is None or type(item) is int or type(item) is float for item in value)
        )

    return is_row


@dataclass(frozen=True)
class Entry:
    """What may be kept behind the keys of one name.

    version: changes whenever the shape of the value does, so that two releases can share one cache.
    ttl_s: no value is served that is older, counted from before it was loaded.
    soft_s: an older one is still served, while one of all processes loads it anew; None: never.
    negative_s: as `ttl_s`, of knowing that there is nothing (None); 0: that is not kept.
    jitter: by up to this part, values live shorter, by chance, so that not all of them end at once.
    max_bytes: a larger value is not kept.
    wait_s: how long to wait for another process that loads the same, before loading it too. 0: not at all, for
        what is loaded sooner than others are asked.
    tombstone_s: for so long after a drop nothing is kept, and what takes longer to load never is. 0: it is never
        dropped.
    is_valid: whether JSON from the cache is such a value.
    """

    name: str
    version: int
    ttl_s: float
    soft_s: float | None = None
    negative_s: float = 0.0
    jitter: float = 0.1
    max_bytes: int = 65_536
    wait_s: float = 1.0
    tombstone_s: float = 0.0
    is_valid: Callable[[Any], bool] = is_anything

    def key(self, *parts: object) -> str:
        name = f"{PREFIX}:{self.name}:v{self.version}"
        for part in parts:
            name += f":{part}" if type(part) is int else ":" + str(part).replace("%", "%25").replace(":", "%3A")
        return name


TRENDING_TAG_IDS = Entry("trending_tag_ids", version=2, ttl_s=60, soft_s=30, is_valid=is_list_of_numbers)
"""By length of the window in seconds: tag ids, best first. Tags are public."""

USER_STATS = Entry(
    "user_stats", version=1, ttl_s=1, negative_s=1, wait_s=0, tombstone_s=1, max_bytes=1_000, is_valid=is_row_of(8)
)
"""By user id: the public numbers, as `loaders.stats` packs them. All read them, and no visibility changes them."""

TAG_STATS = Entry(
    "tag_stats", version=1, ttl_s=1, negative_s=1, wait_s=0, tombstone_s=1, max_bytes=1_000, is_valid=is_row_of(2)
)
"""By tag id: posts and followers, as `loaders.stats` packs them."""

CURRENT_RANKING = Entry("current_ranking", version=1, ttl_s=60, jitter=0, is_valid=is_number)
"""By order: the id of the generation that everybody reads; the next is built when this has expired, not before."""

RANKING = Entry("ranking", version=1, ttl_s=1_000, jitter=0, wait_s=0, is_valid=is_generation)
"""By order and id: a generation, as `loaders.generations` packs it. Ids of posts; each page asks who may see them.

It lives longer than the 15 minutes that clients are told, by more than the clocks of processes may be apart.
"""

ANSWER_VERSIONS = Entry("answer_versions", version=1, ttl_s=600, jitter=0, wait_s=0)
"""By ETag: what was asked, by whom, and which ids were read for it, as `execution.unchanged` packs them. No content."""

PERSISTED_TEXTS = Entry("persisted_texts", version=1, ttl_s=86_400, wait_s=0, max_bytes=100_000)
"""By SHA-256: texts of documents that clients have registered. Readers check the hash."""
