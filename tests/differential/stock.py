"""What there is to ask for in the village: ids, names, cursors by list, tokens by viewer and list."""

from collections import defaultdict
from typing import Any

from feed_service.schema.ids import encode
from feed_service.vocabulary import FeedKind
from tests.api import global_id
from tests.differential.village import Village

FIRST_OF_FEED = "query ($kind: FeedKind!) { feed(kind: $kind, first: 4) { edges { cursor } head { token } } }"
THREAD = "query ($id: ID!) { post(by: {id: $id}) { comments(first: 1) { syncToken } } }"

LISTS = {
    "Post.comments": "post(by: {slug: \"post-1\"}) { list: comments(order: %s) { edges { cursor } } }",
    "Comment.replies": "node(id: \"{chain}\") { ... on Comment { list: replies(order: %s) { edges { cursor } } } }",
    "Post.commentTree": "post(by: {slug: \"post-1\"}) { list: commentTree { edges { cursor } } }",
    "Post.likers": "post(by: {slug: \"post-1\"}) { list: likers { edges { cursor } } }",
    "Comment.likers": "node(id: \"{root}\") { ... on Comment { list: likers { edges { cursor } } } }",
    "Post.edits": "node(id: \"{edited}\") { ... on Post { list: edits { edges { cursor } } } }",
    "User.posts": "user(by: {username: \"ann\"}) { list: posts(order: %s) { edges { cursor } } }",
    "Tag.posts": "tag(slug: \"tea\") { list: posts(order: %s) { edges { cursor } } }",
    "User.followers": "user(by: {username: \"ann\"}) { list: followers { edges { cursor } } }",
    "User.following": "user(by: {username: \"dan\"}) { list: following { edges { cursor } } }",
    "User.followedTags": "user(by: {username: \"dan\"}) { list: followedTags { edges { cursor } } }",
    "Viewer.bookmarks": "viewer { list: bookmarks { edges { cursor } } }",
    "Viewer.drafts": "viewer { list: drafts { edges { cursor } } }",
    "Query.search": "list: search(query: \"bread\") { edges { cursor } }",
}  # fmt: skip
"""Lists by field, as Dan sees them; those with orders are asked for in their own."""

OWN_ORDERS = {"Post.comments": "TOP", "Comment.replies": "TOP", "User.posts": "NEWEST", "Tag.posts": "NEWEST"}


class Stock:
    """`ids` by type; `cursors` by field, of feeds also by kind; `tokens` by viewer and kind or, of threads, post."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.cursors: dict[str, list[str]] = {}
        self.threads = [global_id(village.posts[name]) for name in ("p0", "p3")]
        self.tokens: dict[tuple[str, str], list[str]] = defaultdict(list)

    async def fill(self) -> None:
        """With tokens from before the changes, and after them. The ids of what then is new are added."""
        await self._take_tokens()
        await self.village.change()
        await self._take_tokens()
        village = self.village
        self.ids: dict[str, list[str]] = {
            "User": [global_id(user) for user in village.people.values()],
            "Post": [*map(global_id, village.posts.values()), village.later["post"]],
            "Comment": [*map(global_id, village.comments.values()), village.later["comment"]],
            "Tag": [global_id(tag) for tag in village.tags.values()],
            "Category": [global_id(section) for section in village.sections],
            "BookmarkCollection": village.shelves,
            "Session": [str(encode("Session", 1))],
        }
        self.usernames = [*village.people, "ANN", "nobody_of_this_name", ""]
        self.tag_slugs = [*village.tags, "new", "missing"]
        self.post_slugs = [*(post.slug for post in village.posts.values()), "missing"]
        await self._take_cursors()

    async def _take_tokens(self) -> None:
        village = self.village
        for name, viewer in village.viewers.items():
            for kind in FeedKind:
                if name == "ghost" or (name == "nobody" and kind not in {"GLOBAL", "POPULAR", "DISCUSSED"}):
                    continue
                feed = (await village.api(FIRST_OF_FEED, viewer, kind=kind.name))["feed"]
                self.tokens[name, kind.name].append(feed["head"]["token"])
                self.cursors.setdefault(f"Query.feed {kind.name}", [edge["cursor"] for edge in feed["edges"]])
            for post in self.threads:
                thread = (await village.api(THREAD, viewer, id=post))["post"]
                if thread is not None:
                    self.tokens[name, post].append(thread["comments"]["syncToken"])

    async def _take_cursors(self) -> None:
        village = self.village
        named = {"chain": village.comments["chain 2"], "root": village.comments["root"], "edited": village.posts["p2"]}
        for field, text in LISTS.items():
            for name, row in named.items():
                text = text.replace("{" + name + "}", global_id(row))  # noqa: PLW2901
            text = text.replace("%s", OWN_ORDERS.get(field, ""))  # noqa: PLW2901
            answer = await village.api("{ " + text + " }", village.people["dan"])
            self.cursors[field] = [edge["cursor"] for edge in found_list(answer)["edges"]]


def found_list(answer: Any) -> Any:  # noqa: ANN401 - JSON.
    while "list" not in answer:
        (answer,) = answer.values()
    return answer["list"]
