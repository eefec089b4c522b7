"""Every key the cache may hold, its version and its lifetime: numbers, ids and public facts, nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """`version` changes whenever the shape of the value does, so that two releases can share one cache."""

    name: str
    version: int
    ttl_s: float

    def key(self, *parts: object) -> str:
        return ":".join(["feed", self.name, f"v{self.version}", *map(str, parts)])


TRENDING_TAG_IDS = Entry("trending_tag_ids", version=1, ttl_s=60)
"""By length of the window in seconds: tag ids, best first. Tags are public."""

CURRENT_RANKING = Entry("current_ranking", version=1, ttl_s=60)
"""By order: the id of the generation that everybody reads; the next is built when this has expired, not before."""

RANKING = Entry("ranking", version=1, ttl_s=900)
"""By order and id: a generation, as `loaders.generations` packs it. Ids of posts; each page asks who may see them."""
