"""A small world that holds one of everything: whatever can be hidden, deleted, empty, edited, saved, blocked or new."""

from datetime import UTC, datetime, timedelta
from typing import Any

from feed_service import models
from feed_service.viewer import ANONYMOUS, Role, Viewer
from tests.api import Api, global_id, viewer_of
from tests.world import NEVER, World

LATELY = datetime.now(UTC).replace(microsecond=123456) - timedelta(minutes=25)
"""Ages are half hours off the windows of an hour, a day, and a week: none of them ends while tests run."""

COLUMNS: dict[str, dict[str, Any]] = {
    "ann": {"bio": "Writes on *bread* & tea.", "avatar_url": "https://example.org/ann.png"},
    "bob": {}, "cat": {}, "mia": {}, "dan": {"bio": ""}, "stu": {}, "eve": {},
    "mo": {"role": "moderator"}, "ada": {"role": "admin"},
    "sue": {"suspended_at": LATELY}, "del": {"deleted_at": LATELY},
}  # fmt: skip

TEXTS = (
    "",
    "A *plain* text with <b>mark-up</b> & [a link](https://example.org/?a=1&b=2).",
    "# Bread\n\n- flour\n- water\n\n> \"salt\" 'n' `yeast` \\ / \u2028 snow \u2603 and \U0001f35e\n" + "Long. " * 80,
)

NEW_POST = "mutation ($input: CreatePostInput!) { createPost(input: $input) { post { id } } }"
NEW_COMMENT = "mutation ($input: CreateCommentInput!) { createComment(input: $input) { comment { id } } }"
EDIT_POST = "mutation ($input: UpdatePostInput!) { updatePost(input: $input) { post { id } userErrors { code } } }"
EDIT_COMMENT = "mutation ($input: UpdateCommentInput!) { updateComment(input: $input) { comment { id } } }"
DELETE_POST = "mutation ($id: ID!) { deletePost(id: $id) { deletedId } }"
DELETE_COMMENT = "mutation ($id: ID!) { deleteComment(id: $id) { deletedId } }"
SAVE = "mutation ($input: BookmarkInput!) { bookmark(input: $input) { post { id } } }"
SHELF = """mutation ($name: String!) { createBookmarkCollection(input: {name: $name}) { collection { id } } }"""


class Village:
    """Bob is blocked by Ann, Cat blocks Ann, Mia mutes her, Eve has done nothing yet; Mo moderates, Ada rules."""

    people: dict[str, models.User]
    tags: dict[str, models.Tag]
    posts: dict[str, models.Post]
    comments: dict[str, models.Comment]
    shelves: list[str]
    later: dict[str, str]
    """Global ids of what was written after the tokens were taken."""

    def __init__(self, world: World, api: Api) -> None:
        self.world, self.api = world, api

    @property
    def viewers(self) -> dict[str, Viewer]:
        seen = {name: viewer_of(user) for name, user in self.people.items() if name not in {"sue", "del"}}
        return seen | {"nobody": ANONYMOUS, "ghost": Viewer(999_999, Role.USER)}

    async def settle(self) -> None:
        world = self.world
        self.people = {
            name: await world.user(name, created_at=LATELY - timedelta(days=90, minutes=at), **columns)
            for at, (name, columns) in enumerate(COLUMNS.items())
        }
        self.tags = {slug: await world.tag(slug) for slug in ("tea", "bread", "jam", "unused")}
        self.sections = [
            await world.add(models.Category(slug=slug, name=slug.title(), description=text, position=at))
            for at, (slug, text) in enumerate({"news": "What is *new*.", "recipes": None}.items())
        ]
        await self._tie()
        await self._write()
        await self._talk()
        await self._react()
        await world.count()

    async def _tie(self) -> None:
        world, people = self.world, self.people
        ann, dan, stu, mia = (people[name] for name in ("ann", "dan", "stu", "mia"))
        await world.block(ann, people["bob"])
        await world.block(people["cat"], ann)
        await world.mute(mia, ann)
        pairs = [(dan, ann), (dan, stu), (stu, ann), (stu, dan), (mia, ann), (mia, stu), (people["mo"], ann),
                 (ann, dan),
                 (people["bob"], dan), (people["cat"], dan), (dan, people["sue"]), (dan, people["del"]),
                 (people["ada"], mia)]  # fmt: skip
        for at, (follower, followee) in enumerate(pairs):
            moment = LATELY - timedelta(days=20, hours=at)
            row = models.UserFollow(follower_id=follower.id, followee_id=followee.id, created_at=moment)
            await world.add(row)
        for at, (name, slug) in enumerate((("dan", "tea"), ("dan", "jam"), ("bob", "bread"), ("mia", "tea"))):
            followed = models.TagFollow(user_id=people[name].id, tag_id=self.tags[slug].id)
            followed.created_at = LATELY - timedelta(days=15, hours=at)
            await world.add(followed)

    async def _write(self) -> None:
        """Twenty posts that are live, of which some share their minute; and those that are not."""
        authors = ("ann", "dan", "ann", "stu", "bob", "cat", "mia")
        tags = ((), ("tea",), ("bread", "tea"), ("jam",), ())
        self.posts = {}
        for n in range(20):
            at = LATELY - timedelta(hours=7 * (n // 2 * 2))
            columns: dict[str, Any] = {"body": TEXTS[n % 3], "language": ("en", None, "de")[n % 3], "created_at": at}
            if n % 4 < 2:
                columns["category_id"] = self.sections[n % 2].id
            author, slugs = self.people[authors[n % 7]], tags[n % 5]
            self.posts[f"p{n}"] = await self.world.post(
                author, f"Loaf {n} of bread", at, tuple(self.tags[slug] for slug in slugs), **columns
            )
        ann, tea = self.people["ann"], (self.tags["tea"],)
        gone = {"deleted_at": LATELY, "deleted_by_id": ann.id}
        moderated = {"deleted_at": LATELY, "deleted_by_id": self.people["mo"].id}
        others: tuple[tuple[str, str, datetime, dict[str, Any]], ...] = (
            ("draft", "ann", NEVER, {"body": "Not yet."}),
            ("draft of dan", "dan", NEVER, {}),
            ("scheduled", "ann", LATELY + timedelta(days=30), {"status": "scheduled"}),
            ("due", "ann", LATELY, {"status": "scheduled"}),
            ("deleted", "ann", LATELY, gone),
            ("moderated", "dan", LATELY - timedelta(days=3), moderated),
            ("suspended", "sue", LATELY - timedelta(days=2), {}),
            ("gone", "del", LATELY - timedelta(days=2), {}),
        )
        for name, who, at, columns in others:
            made = {"created_at": LATELY - timedelta(days=40)} | columns
            self.posts[name] = await self.world.post(self.people[who], f"{name} bread", at, tea, **made)

    async def _talk(self) -> None:
        """Threads with tombstones, hidden branches, and a chain of twelve."""
        self.comments = {}
        hidden: dict[str, Any] = {"deleted_at": LATELY, "body": "hidden"}
        await self._say("root", "dan", "p0")
        await self._say("leaf gone", "stu", "p0", **hidden)
        await self._say("grave", "stu", "p0", **hidden)
        await self._say("under grave", "dan", "p0", "grave", body=TEXTS[1])
        await self._say("deep grave", "dan", "p0", "under grave", **hidden)
        await self._say("deepest", "mia", "p0", "deep grave")
        await self._say("of suspended", "sue", "p0")
        await self._say("of bob", "bob", "p0")
        await self._say("under bob", "stu", "p0", "of bob")
        await self._say("of cat", "cat", "p1")
        for n in range(6):
            await self._say(f"more {n}", ("mia", "stu", "ann")[n % 3], "p0" if n < 4 else "p2")
        parent = None
        for n in range(12):
            await self._say(f"chain {n}", ("dan", "stu")[n % 2], "p3", parent, body=f"Level {n}.")
            parent = f"chain {n}"

    async def _say(self, name: str, who: str, post: str, parent: str | None = None, **columns: Any) -> None:  # noqa: ANN401
        at = LATELY - timedelta(hours=5) + timedelta(minutes=len(self.comments) // 2)
        on = parent and self.comments[parent]
        self.comments[name] = await self.world.comment(self.people[who], self.posts[post], on or None, at, **columns)

    async def _react(self) -> None:
        at = LATELY - timedelta(hours=4)
        for n, name in enumerate(("dan", "stu", "mia", "bob", "ann", "sue")):
            for post in list(self.posts.values())[: 12 : n + 1]:
                row = models.PostLike(user_id=self.people[name].id, post_id=post.id)
                row.created_at = at + timedelta(seconds=n)
                await self.world.add(row)
            for comment in list(self.comments.values())[n :: n + 2]:
                liked = models.CommentLike(user_id=self.people[name].id, comment_id=comment.id)
                liked.created_at = at + timedelta(seconds=n)
                await self.world.add(liked)

    async def change(self) -> None:
        """What pollers are told of: to be called when they have their tokens."""
        api, dan, ann = self.api, self.people["dan"], self.people["ann"]
        made = await api(NEW_POST, ann, input={"title": "Fresh bread", "tags": ["tea", "new"], "body": TEXTS[1]})
        self.later = {"post": made["createPost"]["post"]["id"]}
        for title in ("Edited once", "Edited twice"):
            await api(EDIT_POST, ann, input={"id": global_id(self.posts["p2"]), "title": title})
        await api(DELETE_POST, ann, id=global_id(self.posts["p14"]))
        new = {"postId": global_id(self.posts["p0"]), "parentId": global_id(self.comments["root"]), "body": "Late."}
        made = await api(NEW_COMMENT, ann, input=new)
        self.later["comment"] = made["createComment"]["comment"]["id"]
        await api(EDIT_COMMENT, dan, input={"id": global_id(self.comments["root"]), "body": "Said *otherwise*."})
        await api(DELETE_COMMENT, dan, id=global_id(self.comments["chain 4"]))
        made = [await api(SHELF, dan, name=name) for name in ("To bake", "empty")]
        self.shelves = [each["createBookmarkCollection"]["collection"]["id"] for each in made]
        for name, shelves in (("p0", self.shelves[:1]), ("p3", []), ("p4", self.shelves[:1])):
            await api(SAVE, dan, input={"subjectId": global_id(self.posts[name]), "collectionIds": shelves})
        await api.polling.tail.caught_up(0)
