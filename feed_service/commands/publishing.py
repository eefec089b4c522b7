"""When posts are published: at once, at a time, not yet. A scheduled post becomes live by the clock, without a job."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import any_, select, update

from feed_service import models
from feed_service.commands import standing
from feed_service.commands.own_posts import LOCKED, own_post
from feed_service.commands.standing import NEVER, Standing
from feed_service.commands.transaction import Transaction
from feed_service.errors import Invalid, Refused
from feed_service.queries import posts
from feed_service.queries.batches import ids_parameter
from feed_service.transactions import compiled
from feed_service.vocabulary import PublishMode, UserErrorCode

FURTHEST = timedelta(days=365)
DUE_AT_ONCE = 100
"""Posts that one call of `publish_due` counts."""

IDS = ids_parameter("ids")

post, link, stats = models.Post, models.PostTag, models.PostStats
DUE = compiled(posts.due().with_for_update(key_share=True, skip_locked=True, of=post))
NEXT_DUE = compiled(posts.due())
PUBLISH = compiled(update(post).where(post.id == any_(IDS)).values(status="published"))
LINKS = compiled(select(link.post_id, link.tag_id).where(link.post_id == any_(IDS)))
NUMBERS = compiled(select(stats.post_id, stats.like_count, stats.view_count).where(stats.post_id == any_(IDS)))


def begun(mode: PublishMode, at: datetime | None, field: Sequence[str]) -> tuple[str, datetime | None]:
    """(status, when it is published: None for the time of the transaction) of a new post. Raises Refused."""
    if mode is PublishMode.AT:
        return "scheduled", future(at, field)
    if at is not None:
        raise Invalid(UserErrorCode.INVALID, "publishAt belongs to publish: AT.", field, "publish=AT")
    return ("draft", NEVER) if mode is PublishMode.DRAFT else ("published", None)


def future(at: datetime | None, field: Sequence[str] = ("at",)) -> datetime:
    if at is None:
        raise Invalid(UserErrorCode.EMPTY, "Say when it is to be published.", field, "publish=AT")
    now = datetime.now(UTC)
    if not now < at <= now + FURTHEST:
        message = f"A post can be scheduled for the next {FURTHEST.days} days."
        raise Invalid(UserErrorCode.INVALID, message, field, f"now<at<=now+{FURTHEST.days}d")
    return at


async def publish_post(tx: Transaction, post_id: int) -> int:
    """Show a draft or scheduled post to everyone now; one that is published stays so. Raises Refused."""
    row = await own_post(tx, post_id)
    stands = Standing.of(row)
    if not stands.is_live(row["now"]):
        await standing.move(tx, row, Standing("published", row["now"]), "publish")
    return post_id


async def schedule_post(tx: Transaction, post_id: int, at: datetime) -> int:
    """Have a draft published at a time, or a scheduled post at another. Raises Refused."""
    row, when = await own_post(tx, post_id), future(at)
    await _moved_before_publication(tx, row, Standing("scheduled", when), "schedule")
    return post_id


async def unschedule_post(tx: Transaction, post_id: int) -> int:
    """Make a scheduled post a draft again. Raises Refused."""
    row = await own_post(tx, post_id)
    await _moved_before_publication(tx, row, Standing("draft", NEVER), "unschedule")
    return post_id


async def _moved_before_publication(tx: Transaction, row: Any, after: Standing, action: str) -> None:  # noqa: ANN401
    stands = Standing.of(row)
    if stands.is_live(row["now"]):
        raise Refused(UserErrorCode.ALREADY_PUBLISHED, "The post is published already.")
    if stands != after:
        await standing.move(tx, row, after, action)


async def publish_due(tx: Transaction) -> int:
    """Count posts whose time has come among the numbers of their authors and tags; 100 at most. Returns how many.

    Run it as nobody, `Writer(database, ANONYMOUS).run(publish_due)`, every second, and again at once until it returns
    0. The posts themselves are seen by everyone from their time on; only the numbers wait for this. Several processes
    may run it. Posts that are locked wait until no others are left, and are then waited for, one at a time: a post
    that people like from its first moment on might otherwise never be found unlocked.
    """
    due = await tx.sql.rows(DUE, limit=DUE_AT_ONCE) or await _next_in_turn(tx)
    ids = sorted(row["id"] for row in due)
    if not ids:
        return 0
    await tx.sql.run(PUBLISH, ids=ids)
    numbers = {row["post_id"]: row for row in await tx.sql.rows(NUMBERS, ids=ids)}
    tags: dict[int, list[int]] = defaultdict(list)
    for row in await tx.sql.rows(LINKS, ids=ids):
        tags[row["post_id"]].append(row["tag_id"])
    for row in due:
        standing.count(tx, row["author_id"], +1, numbers[row["id"]], tags[row["id"]])
        before, after = Standing("scheduled", row["published_at"]), Standing("published", row["published_at"])
        standing.tell(tx, row, "publish", (before, sorted(tags[row["id"]])), (after, sorted(tags[row["id"]])))
    return len(ids)


async def _next_in_turn(tx: Transaction) -> Sequence[Any]:
    """The post that is due longest, as soon as nobody else has it; none if somebody has moved it meanwhile."""
    waiting = await tx.sql.row(NEXT_DUE, limit=1)
    if waiting is None:
        return []
    row = await tx.sql.row(LOCKED, post_id=waiting["id"])
    is_due = row["status"] == "scheduled" and Standing.of(row).is_live(row["now"])
    return [row] if is_due else []
