"""Seeded users, tags and categories, and who follows, blocks and mutes whom."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

from feed_service.imports.seed.plan import (
    CELEBRITY,
    CELEBRITY_FOLLOWERS,
    SPAN,
    VIEWER_TAGS,
    VIEWERS,
    SeedPlan,
)
from feed_service.imports.seed.skew import distinct, scattered, shares, zipf
from feed_service.imports.seed.words import SIDES, TOPICS, Writer

Rows = Iterator[tuple[Any, ...]]
Pairs = set[tuple[int, int]]

USER = ("id", "username", "display_name", "bio", "role", "created_at", "suspended_at", "deleted_at")
FIXED = [*VIEWERS, "celebrity", "prolific", "moderator"]
CATEGORIES = ("Making", "Growing", "Moving", "Listening", "Measuring", "Reading", "Cooking", "Wandering")


def users(plan: SeedPlan) -> Rows:
    """The fixed people first; of the rest one in 200 is suspended and one in 1,000 deleted."""
    random, born = plan.random("users"), plan.until - SPAN
    writer = Writer(random)
    for user_id in range(1, plan.users + 1):
        first, last = writer.person()
        is_fixed = user_id <= len(FIXED)
        username = FIXED[user_id - 1] if is_fixed else f"{first}_{last}_{user_id}".lower()
        bio = None if random.random() < 0.3 else writer.sentence()
        created = born + timedelta(seconds=int(random.random() * SPAN.total_seconds() / 2))
        suspended = plan.until if user_id % 200 == 99 and not is_fixed else None
        deleted = plan.until if user_id % 1_000 == 501 and not is_fixed else None
        role = "moderator" if username == "moderator" else "user"
        yield user_id, username, f"{first} {last}", bio, role, created, suspended, deleted


def tags(plan: SeedPlan) -> Rows:
    names = [f"{side} {topic}" for topic in TOPICS for side in ("", *SIDES)]
    for tag_id in range(1, plan.tags + 1):
        name = names[tag_id - 1].strip() if tag_id <= len(names) else f"topic {tag_id}"
        yield tag_id, name.replace(" ", "-"), name


def categories() -> Rows:
    for place, name in enumerate(CATEGORIES, start=1):
        yield place, name.lower(), name, f"Posts about {name.lower()}.", place


def between_users(plan: SeedPlan, purpose: str, total: int) -> Pairs:
    """Pairs of different people, for blocks and mutes; nobody blocks the celebrity."""
    random = plan.random(purpose)
    pairs: Pairs = set()
    while len(pairs) < total:
        one, other = random.randint(1, plan.users), random.randint(1, plan.users)
        if one != other and CELEBRITY not in (one, other):
            pairs.add((one, other))
    return pairs


def follows(plan: SeedPlan, blocked: Pairs) -> Iterator[tuple[int, int]]:
    """(follower, followee), by follower: the viewers' fixed numbers, the celebrity's followers, the rest skewed.

    The fixed ones are made even if the plan asks for fewer.
    """
    random, size = plan.random("follows"), plan.users
    of_viewers = [min(count, size - 2) for count in VIEWERS.values()]
    fans = min(CELEBRITY_FOLLOWERS, size // 2)
    # Whose follows are fixed, the first few, is no fan.
    fan_places = distinct(fans, size, lambda: int(random.random() * size), range(CELEBRITY))
    fan_ids = {place + 1 for place in fan_places}
    left = max(0, plan.follows - sum(of_viewers) - fans)
    degrees = of_viewers + shares(left, size - len(VIEWERS), zipf(random, size - len(VIEWERS)), most=size // 2)
    anyone = scattered(zipf(random, size), size)
    apart = hidden_from(blocked)
    for follower, degree in enumerate(degrees, start=1):
        excluded = {follower - 1, CELEBRITY - 1, *(user - 1 for user in apart.get(follower, ()))}
        for followee in distinct(degree, size, anyone, excluded):
            yield follower, followee + 1
        if follower in fan_ids:
            yield follower, CELEBRITY


def hidden_from(blocked: Pairs) -> dict[int, set[int]]:
    apart: dict[int, set[int]] = {}
    for one, other in chain(blocked, ((other, one) for one, other in blocked)):
        apart.setdefault(one, set()).add(other)
    return apart


def tag_follows(plan: SeedPlan) -> Iterator[tuple[int, int]]:
    """(user, tag): twenty for each viewer, up to six for the others."""
    random = plan.random("tag_follows")
    draw = zipf(random, plan.tags, shift=5)
    for user_id in range(1, plan.users + 1):
        count = VIEWER_TAGS if user_id <= len(VIEWERS) else int(random.random() * 7)
        for tag in distinct(count, plan.tags, draw):
            yield user_id, tag + 1


def dated(pairs: Iterator[tuple[int, int]], plan: SeedPlan, purpose: str) -> Rows:
    """The pairs with a time each, most of them in the last year, in whole seconds so that some are equal."""
    uniform, span = plan.random(f"{purpose} times").random, SPAN.total_seconds() / 2
    for one, other in pairs:
        yield one, other, plan.until - timedelta(seconds=int(span * uniform() ** 2))
