"""All that one user has made, nothing that others have, and no secret."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import BigInteger, Column, literal, select, text
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BinaryExpression

from feed_service import models
from feed_service.commands.audit import AuditEvent, append
from feed_service.errors import InvalidCursor
from feed_service.exports.own_data import LEFT_OUT, own_data
from feed_service.exports.stream import ExportDatabase
from feed_service.exports.tables import is_hidden
from feed_service.queries.exports import global_id as global_id_by_database
from feed_service.schema.ids import encode
from feed_service.transactions import WriteDatabase
from tests.api import global_id
from tests.exports.reading import exported, key_of
from tests.world import NEVER, World, world_on

DAY = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)
THEN = "2026-01-02T03:04:05.000006+00:00"

TABLES = models.Base.metadata.tables
PEOPLE = {
    *(column for name in TABLES for column in TABLES[name].columns if column.references(TABLES["users"].c.id)),
    *(column for name in TABLES for column in TABLES[name].columns if f"_{column.name}".endswith(
        ("_user_id", "_by_id", "_actor_id", "_owner_id", "_author_id", "_viewer_id", "_editor_id"))),
}  # fmt: skip
"""Columns that name a user, with or without a foreign key."""


class Household:
    """Ann has made one of everything, and so has Ben, whose rows must not appear; Mo moderates."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def settle(self) -> None:
        world = self.world
        self.mo = await world.user("mo", role="moderator")
        self.ben = await world.user("ben")
        self.ann = await world.user("ann", bio="I bake.", created_at=DAY)
        self.tags = [await world.tag("rye"), await world.tag("bread")]
        self.category = await world.add(models.Category(slug="c", name="C"))
        self.lives = await self.of(self.ben, self.ann), await self.of(self.ann, self.ben)

    async def of(self, me: models.User, other: models.User) -> dict[str, Any]:
        world, add = self.world, self.world.add
        dates: dict[str, Any] = {"created_at": DAY, "updated_at": DAY}
        made: dict[str, Any] = {
            "post": await world.post(
                me, "Loaf", DAY, tuple(self.tags), body="Mix.", category_id=self.category.id, language="en", **dates
            ),
            "draft": await world.post(me, "Crust", NEVER, **dates),
            "deleted": await world.post(me, "Burnt", DAY, deleted_at=DAY, deleted_by_id=me.id, **dates),
            "moderated": await world.post(me, "Spam", DAY, deleted_at=DAY, deleted_by_id=self.mo.id, **dates),
        }  # fmt: skip
        post: models.Post = made["post"]
        made["comment"] = await world.comment(me, post, at=DAY)
        made["reply"] = await world.comment(me, post, made["comment"], at=DAY, reply_to_id=made["comment"].id)
        made["tombstone"] = await world.comment(me, post, at=DAY, deleted_at=DAY, deleted_by_id=me.id, body="Oops.")
        made["shelf"] = await add(models.BookmarkCollection(user_id=me.id, name="Keep", created_at=DAY))
        ids = {"user_id": me.id, "post_id": post.id}
        await add(models.Bookmark(**ids, saved_at=DAY))
        await add(models.CollectedBookmark(**ids, collection_id=made["shelf"].id, saved_at=DAY))
        await add(models.PostLike(**ids, created_at=DAY))
        await add(models.CommentLike(user_id=me.id, comment_id=made["comment"].id, created_at=DAY))
        await add(models.UserFollow(follower_id=me.id, followee_id=other.id, created_at=DAY))
        await add(models.TagFollow(user_id=me.id, tag_id=self.tags[0].id, created_at=DAY))
        await add(models.Block(blocker_id=me.id, blocked_id=other.id, created_at=DAY))
        await add(models.Mute(muter_id=me.id, muted_id=other.id, created_at=DAY))
        edit = {"version": 1, "editor_id": me.id, "body": "Old.", "replaced_at": DAY}
        await add(models.ContentEdit(post_id=post.id, title="Lof", **edit))
        await add(models.ContentEdit(comment_id=made["comment"].id, **edit))
        await add(models.PostView(hour=DAY, post_id=post.id, user_id=me.id))
        await self.sign_in(me, made)
        return made

    async def sign_in(self, me: models.User, made: dict[str, Any]) -> None:
        add, name = self.world.add, me.username
        await add(models.Account(user_id=me.id, email=f"{name}@b.c", email_key=f"{name}@b.c", password_hash="$argon2"))
        made["session"] = await add(
            models.Session(user_id=me.id, created_at=DAY, refreshed_at=DAY, expires_at=DAY.replace(year=2027))
        )
        await add(models.RefreshToken(hash=name.encode(), session_id=made["session"].id))
        await add(models.ExternalIdentity(issuer="https://id", subject=name, user_id=me.id, created_at=DAY))


async def do_things(url: str, home: Household) -> None:
    """Ann and Mo do things that the audit trail keeps, some of them to Ann."""
    database, ann = WriteDatabase.connect(url, pool_size=1), home.ann.id
    renamed, reason = {"after": {"bio": "I bake."}}, {"reason": "Spam."}
    for actor, event in (
        (home.mo, AuditEvent("user.suspend", "user", ann, owner_id=ann, private=reason)),
        (home.ann, AuditEvent("user.update_profile", "user", ann, {"fields": ["bio"]}, owner_id=ann, private=renamed)),
        (home.ann, AuditEvent("user.suspend", "user", home.ben.id, owner_id=home.ben.id, private=reason)),
        (home.ben, AuditEvent("user.update_profile", "user", home.ben.id, owner_id=home.ben.id, private=renamed)),
        (home.ben, AuditEvent("user.block", "user", ann)),
        (None, AuditEvent("user.set_role", "user", ann, {"after": "moderator"})),
    ):
        await database.transact(lambda sql, a=actor, e=event: append(sql, a.id if a else None, "r", [e]))  # type: ignore[misc]
    await database.close()


OF_ANN = {"requestId": "r", "subjectKind": "user"}
ACTS: list[tuple[str, dict[str, Any]]] = [
    ("audit", OF_ANN | {
        "action": "user.update_profile", "subjectId": 3, "facts": {"fields": ["bio"]},
        "private": {"after": {"bio": "I bake."}},
    }),
    ("audit", OF_ANN | {"action": "user.suspend", "subjectId": 2, "facts": {}, "private": None}),
    ("moderation", {"action": "user.suspend", "facts": {}, "private": {"reason": "Spam."}}),
    ("moderation", {"action": "user.set_role", "facts": {"after": "moderator"}, "private": None}),
]  # fmt: skip
"""Ann's; not who suspended her, nor who blocked her."""


def post_lines(home: Household) -> list[tuple[str, dict[str, Any]]]:
    """Ann's own, as they must be told."""
    made = home.lives[1]
    common: dict[str, Any] = {
        "body": "",
        "language": None,
        "tags": [],
        "categoryId": None,
        "editedAt": None,
        "version": 1,
    }
    dates = {"createdAt": THEN, "updatedAt": THEN, "publishedAt": THEN, "deletedAt": None, "deletedBy": None}
    post, draft, deleted, moderated = (made[name] for name in ("post", "draft", "deleted", "moderated"))
    in_full = {"body": "Mix.", "language": "en", "tags": ["bread", "rye"], "categoryId": global_id(home.category)}

    def told(row: models.Post, title: str, status: str, **others: object) -> tuple[str, dict[str, Any]]:
        return "post", {
            **common, **dates, "id": global_id(row), "slug": row.slug, "title": title, "status": status, **others,
        }  # fmt: skip

    return [
        told(post, "Loaf", "PUBLISHED", **in_full),
        told(draft, "Crust", "DRAFT", publishedAt=None),
        told(deleted, "Burnt", "PUBLISHED", deletedAt=THEN, deletedBy="SELF"),
        told(moderated, "Spam", "PUBLISHED", deletedAt=THEN, deletedBy="OTHERS"),
    ]


def other_lines(home: Household) -> list[tuple[str, dict[str, Any]]]:
    made, ben = home.lives[1], global_id(home.ben)
    post, comment, reply = (global_id(made[name]) for name in ("post", "comment", "reply"))
    of_comment = {
        "postId": post, "body": "Well said.", "createdAt": THEN, "editedAt": None, "deletedAt": None,
        "deletedBy": None, "version": 1,
    }  # fmt: skip
    deleted = {"parentId": None, "body": "Oops.", "deletedAt": THEN, "deletedBy": "SELF"}
    edit = {"version": 1, "body": "Old.", "replacedAt": THEN}
    shelf = encode("BookmarkCollection", made["shelf"].id)
    return [
        ("comment", {"id": comment, "parentId": None, **of_comment}),
        ("comment", {"id": reply, "parentId": comment, **of_comment}),
        ("comment", {**of_comment, **deleted, "id": global_id(made["tombstone"])}),
        ("edit", {"postId": post, "commentId": None, "title": "Lof", **edit}),
        ("edit", {"postId": None, "commentId": comment, "title": None, **edit}),
        ("postLike", {"subjectId": post, "createdAt": THEN}),
        ("commentLike", {"subjectId": comment, "createdAt": THEN}),
        ("bookmarkCollection", {"id": shelf, "name": "Keep", "createdAt": THEN}),
        ("bookmark", {"postId": post, "savedAt": THEN, "collectionIds": [shelf]}),
        ("follow", {"userId": ben, "createdAt": THEN}),
        ("tagFollow", {"tagId": global_id(home.tags[0]), "createdAt": THEN}),
        ("block", {"userId": ben, "createdAt": THEN}),
        ("mute", {"userId": ben, "createdAt": THEN}),
        ("postView", {"postId": post, "hour": THEN}),
    ]


def identity_lines(home: Household) -> list[tuple[str, dict[str, Any]]]:
    ann, session = home.ann, encode("Session", home.lives[1]["session"].id)
    profile = {
        "id": global_id(ann), "username": "ann", "displayName": "Ann", "bio": "I bake.", "avatarUrl": None,
        "role": "user", "createdAt": THEN, "suspendedAt": None,
    }  # fmt: skip
    expires = THEN.replace("2026", "2027")
    return [
        ("profile", profile),
        ("account", {"email": "ann@b.c", "emailConfirmedAt": None, "passwordChangedAt": None}),
        ("session", {"id": session, "createdAt": THEN, "refreshedAt": THEN, "expiresAt": expires}),
        ("externalIdentity", {"issuer": "https://id", "subject": "ann", "createdAt": THEN}),
    ]


async def test_a_user_gets_all_of_their_own_and_nothing_else(empty_database_url: str, exports: ExportDatabase) -> None:
    async with world_on(empty_database_url) as world:
        home = Household(world)
        await home.settle()
    await do_things(empty_database_url, home)
    export = await exported(exports, own_data(home.ann.id))
    found = [(row["type"], row["data"]) for row in export.rows]
    acts = [line for line in found if line[0] in {"audit", "moderation"}]
    assert found == [*identity_lines(home), *post_lines(home), *other_lines(home), *acts]
    for act, (kind, expected) in zip(acts, ACTS, strict=True):
        assert act == (kind, {"at": act[1]["at"], **expected})
    assert export.header["types"] == list(dict.fromkeys(kind for kind, _ in found)), "one of everything is there"
    for number, row in enumerate(export.rows, 1):
        rest = await exported(exports, own_data(home.ann.id), after=key_of(row))
        assert rest.rows == export.rows[number:]


def named_in_conditions() -> set[str]:
    """The columns that are compared with the user whose data are exported."""
    found = set()
    for section in own_data(777).sections:
        for condition in section.conditions:
            for part in visitors.iterate(condition):
                if isinstance(part, BinaryExpression) and getattr(part.right, "value", None) == 777:
                    found.add(".".join(str(part.left).split(".")[-2:]))
    return found


def test_every_column_that_names_a_user_is_exported_or_left_out_for_a_reason() -> None:
    found = {str(column) for column in PEOPLE} | {"users.id"}
    assert found - named_in_conditions() == LEFT_OUT.keys()


def test_own_data_tell_no_secret() -> None:
    told = [part for section in own_data(777).sections for label in section.told for part in visitors.iterate(label)]  # type: ignore[arg-type]
    columns = [part for part in told if isinstance(part, Column) and part.table is not None]
    assert len(columns) > 50
    assert [str(column) for column in columns if is_hidden(column)] == []


async def test_what_the_audit_trail_holds_of_somebody_is_gone_with_their_key(
    empty_database_url: str, exports: ExportDatabase
) -> None:
    async with world_on(empty_database_url) as world:
        home = Household(world)
        home.mo, home.ben, home.ann = [await world.user(name) for name in ("mo", "ben", "ann")]
        await do_things(empty_database_url, home)
        async with world.engine.begin() as connection:
            await connection.execute(text("DELETE FROM audit_keys"))
    acts = [row["data"]["private"] for row in (await exported(exports, own_data(home.ann.id))).rows[1:]]
    assert acts == [None] * len(ACTS)


async def test_nobody_has_nothing(exports: ExportDatabase) -> None:
    assert (await exported(exports, own_data(1))).rows == []


@pytest.mark.parametrize("after", ['["users", 1]', '["edit"]', '["externalIdentity", "a"]', '["post", "a"]', "post"])
def test_a_key_of_something_else_is_refused(after: str) -> None:
    with pytest.raises(InvalidCursor):
        own_data(1).parts(after)


@pytest.mark.parametrize("local_id", [1, 12, 123, 2**63 - 1])
@pytest.mark.parametrize("name", ["User", "Post", "BookmarkCollection", "M???~~~"])
async def test_the_database_writes_global_ids_as_the_api_does(
    empty_database_url: str, name: str, local_id: int
) -> None:
    async with world_on(empty_database_url) as world, world.engine.connect() as connection:
        written = await connection.scalar(select(global_id_by_database(name, literal(local_id, BigInteger))))
    assert written == encode(name, local_id)
