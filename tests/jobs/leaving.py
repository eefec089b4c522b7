"""Ann, who leaves, among people who stay: she has some of everything that an account can have."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from feed_service import models
from feed_service.commands.audit import AuditEvent
from feed_service.commands.transaction import Transaction, Writer
from feed_service.transactions import WriteDatabase
from feed_service.viewer import Viewer
from tests.commands.laws import contents
from tests.world import NEVER, YESTERDAY, World

SECRETS = ("ann", "Ann", "secret", "example.org")
"""What must not be found anywhere afterwards."""

CHANGING = {"change_log": {"seq", "xid"}, "audit_events": {"hash", "private", "facts"}, "audit_streams": {"last_hash"}}
"""What differs between two runs that do the same."""


async def written_by_ann(tx: Transaction) -> None:
    facts: dict[str, Any] = {"fields": ["bio"]}
    private = {"before": {"bio": "secret"}}
    tx.audited(AuditEvent("user.update_profile", "user", tx.viewer.user_id, facts, tx.viewer.user_id, private))


async def scene(world: World, writing: WriteDatabase) -> models.User:
    """Ann; everybody has seen the posts, and all numbers are right."""
    ann = await world.user("ann", bio="secret", avatar_url="https://example.org/secret.png", role="moderator")
    bob, cat, dan = [await world.user(name) for name in ("bob", "cat", "dan")]
    tags = (await world.tag("bread"), await world.tag("cheese"))
    for tag in tags:
        await world.follow_tag(ann, tag)
        await world.follow_tag(bob, tag)
    await _account(world, ann)
    theirs = [await world.post(bob, tags=tags) for _ in range(5)]
    own = await _posts(world, ann, bob, tags)
    for post in (*theirs, own[0]):
        await world.like(ann, post)
        await world.like(cat, post)
    for post in theirs[:3]:
        await _bookmark(world, ann, post)
        for viewer in (ann, bob):
            await world.add(models.PostView(hour=YESTERDAY, post_id=post.id, user_id=viewer.id))
    await world.add(models.Bookmark(user_id=bob.id, post_id=own[0].id))
    await _comments(world, [ann, bob, cat], theirs[0], own[0])
    for other in (bob, cat, dan):
        await world.follow(ann, other)
        await world.follow(other, ann)
    await world.follow(cat, bob)
    for other in (await world.user("eve"), await world.user("fay"), await world.user("gus")):
        await world.block(ann, other)
        await world.block(other, ann)
        await world.mute(other, ann)
        await world.mute(ann, other)
    await world.count()
    await Writer(writing, Viewer(ann.id), "before").run(written_by_ann)
    return ann


async def _account(world: World, ann: models.User) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    email = "ann@example.org"
    await world.add(models.Account(user_id=ann.id, email=email, email_key=email, password_hash="secret"))
    for _ in range(3):
        await world.add(models.Session(user_id=ann.id, expires_at=later))
    await world.add(models.MailedToken(hash=b"x", purpose="reset", user_id=ann.id, email_key=email, expires_at=later))
    await world.add(models.IdempotencyKey(user_id=ann.id, mutation="createPost", key="secret", request_hash=b"x"))


async def _posts(world: World, ann: models.User, bob: models.User, tags: tuple[models.Tag, ...]) -> list[models.Post]:
    told: dict[str, Any] = {"title": "A secret", "body": "My secret."}
    posts = [await world.post(ann, tags=tags, **told | {"slug": f"a-secret-{n}"}) for n in range(3)]
    soon = datetime.now(UTC) + timedelta(days=1)
    await world.post(ann, at=NEVER, **told | {"slug": "a-secret-draft"})
    await world.post(ann, at=soon, status="scheduled", tags=tags, **told | {"slug": "a-secret-soon"})
    await world.post(ann, tags=tags, deleted_at=YESTERDAY, deleted_by_id=bob.id, **told | {"slug": "a-secret-gone"})
    for version in (1, 2):
        await world.add(
            models.ContentEdit(
                post_id=posts[0].id, version=version, editor_id=ann.id, title="A secret", body="An older secret.",
                replaced_at=YESTERDAY,
            )
        )  # fmt: skip
    return posts


async def _bookmark(world: World, ann: models.User, post: models.Post) -> None:
    await world.add(models.Bookmark(user_id=ann.id, post_id=post.id))
    shelf = await world.add(models.BookmarkCollection(user_id=ann.id, name=f"secret {post.id}"))
    await world.add(
        models.CollectedBookmark(collection_id=shelf.id, user_id=ann.id, post_id=post.id, saved_at=YESTERDAY)
    )


async def _comments(world: World, people: list[models.User], theirs: models.Post, own: models.Post) -> None:
    """Bob > ann > cat > ann, bob > ann, ann alone, one that a moderator has deleted; and two others under her post."""
    ann, bob, cat = people
    root = await world.comment(bob, theirs)
    hers = await world.comment(ann, theirs, root, body="A secret.")
    below = await world.comment(cat, theirs, hers)
    said = [hers, await world.comment(ann, theirs, below, body="A secret."), await world.comment(ann, theirs, root)]
    said.append(await world.comment(ann, theirs, at=YESTERDAY + timedelta(hours=1), body="A secret."))
    said.append(await world.comment(ann, theirs, root, body="A secret.", deleted_at=YESTERDAY, deleted_by_id=bob.id))
    others = [root, below, await world.comment(bob, own), await world.comment(cat, own)]
    for comment in (*said, *others):
        await world.add(models.CommentLike(user_id=ann.id, comment_id=comment.id))
        await world.add(models.CommentLike(user_id=cat.id, comment_id=comment.id))


async def state(world: World, *, with_log: bool = True) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, without what differs from run to run: times, places in sequences, hashes.

    The change log is sorted: one statement deletes many rows in whatever order its plan finds them.
    """
    tables = await contents(world)
    if not with_log:
        del tables["change_log"], tables["audit_events"], tables["audit_streams"], tables["jobs"]
    rows_of = {
        name: [
            {
                column: value if not isinstance(value, datetime) else value == NEVER
                for column, value in row.items()
                if column not in CHANGING.get(name, ())
            }
            for row in rows
        ]
        for name, rows in tables.items()
    }
    return rows_of | {name: sorted(rows_of[name], key=repr) for name in ("change_log",) if name in rows_of}


async def fingerprint(world: World) -> str:
    """Of every row of every table."""
    digests = " UNION ALL ".join(
        f"SELECT '{table.name} ' || md5(string_agg(t::text, ',' ORDER BY t::text)) AS digest FROM {table.name} t"  # noqa: S608
        for table in models.Base.metadata.sorted_tables
    )
    async with world.engine.connect() as connection:
        return "; ".join(digest or "-" for (digest,) in await connection.execute(text(f"{digests} ORDER BY digest")))


async def mentions(world: World) -> list[str]:
    """Rows of any table that still hold a secret of hers, keys and names of tables aside."""
    found = []
    async with world.engine.connect() as connection:
        for table in models.Base.metadata.sorted_tables:
            for (row,) in await connection.execute(text(f"SELECT t::text FROM {table.name} t")):  # noqa: S608
                found += [f"{table.name}: {row}" for secret in SECRETS if secret in row]
    return found
