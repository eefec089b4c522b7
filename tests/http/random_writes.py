"""Random writes of every kind by mutations, and documents that read every class of things."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from feed_service import models
from tests.api import global_id
from tests.http.pair import Document, Pair

POST = (
    "id title body version tags { slug } author { username displayName } "
    "stats { likeCount commentCount bookmarkCount asOf } viewerState { hasLiked hasBookmarked hasCommented canComment }"
)
PAGE = f"edges {{ cursor node {{ {POST} }} }} pageInfo {{ hasNextPage endCursor }}"
FEED = f"query($kind: FeedKind!) {{ feed(kind: $kind, first: 5) {{ {PAGE} edges {{ reason {{ __typename }} }} }} }}"
THREAD = f"""query($id: ID!) {{ post(by: {{id: $id}}) {{ {POST}
    likers {{ nodes {{ username }} }} edits {{ nodes {{ version }} }}
    commentTree {{ edges {{ depth node {{ id isTombstone body likeCount author {{ username }} }} }} }}
    comments(order: TOP) {{ nodes {{ id body replyCount }} }} commentPreview {{ body }} }} }}"""
PERSON = f"""query($name: String!) {{ user(by: {{username: $name}}) {{ displayName bio stats {{ postCount followerCount
    followingCount receivedLikeCount asOf }} posts {{ {PAGE} }} followers {{ nodes {{ username }} }}
    following {{ nodes {{ username }} }} followedTags {{ nodes {{ slug }} }}
    viewerState {{ isFollowing isBlocking isMuting }} }} }}"""
TAG = f"""{{ tag(slug: "ski") {{ name postCount followerCount viewerIsFollowing
    posts {{ {PAGE} }} }} categories {{ slug }} }}"""
NODES = f"""query($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename id ... on Post {{ {POST} }}
    ... on Comment {{ said: body post {{ title }} replies {{ nodes {{ body }} }} }}
    ... on User {{ displayName }} }} }}"""
MINE = """{ viewer { role user { displayName } drafts { nodes { title } } scheduled { nodes { title } }
    bookmarks { nodes { title } } bookmarkCollections { name } blockedUsers { nodes { username } }
    mutedUsers { nodes { username } } } }"""
RANKED = "{ feed(kind: POPULAR) { nodes { title stats { likeCount } } snapshot { generation restarted } } }"
FILTERED = '{ feed(kind: GLOBAL, filter: {tags: ["ski"]}) { nodes { title } count { value } emptyReason } }'
TOKENS = "query($id: ID!) { feed(kind: HOME) { head { token } } post(by: {id: $id}) { comments { syncToken } } }"
HEAD = """query($since: SyncToken!) { feedHead(kind: HOME, since: $since) { newCount { value } newAuthors { username }
    resetRequired token pollAfterSeconds asOf } }"""
CHANGES = f"""query($since: SyncToken!) {{ feedChanges(kind: HOME, since: $since, first: 3) {{
    added {{ node {{ {POST} }} }} updated {{ id title }}
    removedIds hasMore resetRequired nextToken pollAfterSeconds }} }}"""
THREAD_CHANGES = """query($id: ID!, $since: SyncToken!) { threadChanges(postId: $id, since: $since) { added { id body }
    updated { id body } removedIds hasMore resetRequired nextToken } }"""
SEARCH = '{ search(query: "snow", types: [POST]) { nodes { ... on Post { title } } } }'
TRENDS = "{ trendingTags { slug trendScore } }"


@dataclass
class People:
    """`ann` asks. She follows bo and the tag ski; mod moderates."""

    ann: models.User
    bo: models.User
    cy: models.User
    mod: models.User
    ski: models.Tag

    @property
    def writers(self) -> list[models.User]:
        return [self.ann, self.bo, self.cy]


class Writing:
    """Random writes by mutations, at either service. `token` is the last one's consistencyToken."""

    def __init__(self, pair: Pair, people: People, seed: int) -> None:
        self.pair, self.people, self.random = pair, people, Random(seed)  # noqa: S311 - no secret.
        self.posts: dict[str, models.User] = {}
        self.comments: dict[str, models.User] = {}
        self.number = 0
        self.is_suspended = False
        self.token = ""

    async def mutate(self, call: str, who: models.User, fields: str = "", **variables: Any) -> Any:  # noqa: ANN401
        """The payload; what is refused is refused."""
        input_type = {"bookmark": "BookmarkInput!"}.get(call, f"{call[0].upper()}{call[1:]}Input!")
        types = {"input": input_type, "reason": "String!", "slugs": "[String!]!"}
        asked = ", ".join(f"${name}: {types.get(name, 'ID!')}" for name in variables)
        given = ", ".join(f"{name}: ${name}" for name in variables)
        text = f"mutation({asked}) {{ done: {call}({given}) {{ consistencyToken userErrors {{ code }} {fields} }} }}"
        done = (await self.pair.post(self.random.randrange(2), text, who, None, **variables))["done"]
        self.token = done["consistencyToken"] or self.token
        return done

    async def post(self, who: models.User, **input_: Any) -> str:  # noqa: ANN401 - JSON.
        self.number += 1
        made = {
            "title": f"Snow {self.number}",
            "body": "Text",
            "tags": self.random.choice([["ski"], ["sun"], []]),
        } | input_
        done = await self.mutate("createPost", who, "post { id }", input=made)
        self.posts[done["post"]["id"]] = who
        return str(done["post"]["id"])

    async def comment(self, who: models.User, post_id: str) -> None:
        self.number += 1
        made = {
            "postId": post_id,
            "body": f"Said {self.number}",
            "parentId": self.random.choice([None, *self.comments]),
        }
        done = await self.mutate("createComment", who, "comment { id }", input=made)
        if done["comment"]:
            self.comments[done["comment"]["id"]] = who

    def present(self) -> list[models.User]:
        return [who for who in self.people.writers if not (self.is_suspended and who is self.people.cy)]

    async def step(self) -> str:  # noqa: C901, PLR0912 - one case for each kind of write.
        """One write, and what it was."""
        who, other = self.random.sample(self.present(), 2)
        post_id = self.random.choice([post_id for post_id, author in self.posts.items() if author in self.present()])
        author = self.posts[post_id]
        match kind := self.random.choice(KINDS_OF_WRITES):
            case "post":
                await self.post(who)
            case "draft":
                await self.post(who, publish="DRAFT")
            case "schedule":
                await self.post(who, publish="AT", publishAt=(datetime.now(UTC) + timedelta(seconds=0.5)).isoformat())
                await asyncio.sleep(0.6)
            case "edit":
                self.number += 1
                changed = {
                    "id": post_id,
                    "title": f"Snow {self.number}",
                    "tags": self.random.choice([["ski"], ["sun"]]),
                }
                await self.mutate("updatePost", author, input=changed)
            case "deletePost" | "restorePost" | "publishPost":
                await self.mutate(kind, author, id=post_id)
            case "comment":
                await self.comment(who, post_id)
            case "deleteComment" | "restoreComment":
                own = [comment_id for comment_id, writer in self.comments.items() if writer is who]
                for comment_id in own[:1]:
                    await self.mutate(kind, who, id=comment_id)
            case "like" | "unlike":
                await self.mutate(kind, who, subjectId=self.random.choice([post_id, *self.comments]))
            case "followUser" | "unfollowUser" | "blockUser" | "unblockUser" | "muteUser" | "unmuteUser":
                await self.mutate(kind, who, id=global_id(other))
            case "followTags" | "unfollowTags":
                await self.mutate(kind, who, slugs=["ski"])
            case "bookmark":
                await self.mutate("bookmark", who, input={"subjectId": post_id})
            case "unbookmark":
                await self.mutate(kind, who, subjectId=post_id)
            case "updateProfile":
                self.number += 1
                await self.mutate(kind, who, input={"displayName": f"Name {self.number}"})
            case "suspend":
                call = "restoreUser" if self.is_suspended else "suspendUser"
                reason = {} if self.is_suspended else {"reason": "A test."}
                await self.mutate(call, self.people.mod, id=global_id(self.people.cy), **reason)
                self.is_suspended = not self.is_suspended
        return kind


KINDS_OF_WRITES = [
    "post", "draft", "schedule", "edit", "deletePost", "restorePost", "publishPost", "comment", "deleteComment",
    "restoreComment", "like", "unlike", "followUser", "unfollowUser", "blockUser", "unblockUser", "muteUser",
    "unmuteUser", "followTags", "unfollowTags", "bookmark", "unbookmark", "updateProfile", "suspend",
]  # fmt: skip


def documents_of(writing: Writing) -> dict[str, Document]:
    """One for each class of what can be read."""
    post_id = next(iter(writing.posts))
    ids = [post_id, *writing.comments, global_id(writing.people.cy), global_id(writing.people.bo)][:8]
    feeds = {kind: Document(FEED, {"kind": kind}) for kind in ("HOME", "FOLLOWING_USERS", "FOLLOWING_TAGS", "GLOBAL")}
    return feeds | {
        "thread": Document(THREAD, {"id": post_id}),
        "person": Document(PERSON, {"name": "bo"}),
        "tag": Document(TAG),
        "nodes": Document(NODES, {"ids": ids}),
        "mine": Document(MINE),
        "ranked": Document(RANKED),
        "filtered": Document(FILTERED),
        "search": Document(SEARCH),
    }


async def polls_of(pair: Pair, who: models.User | None, post_id: str) -> dict[str, Document]:
    """What pollers ask who stand where things are now."""
    tokens = await pair.post(0, TOKENS, who, None, id=post_id)
    since = {"since": tokens["feed"]["head"]["token"]}
    return {
        "head": Document(HEAD, since),
        "changes": Document(CHANGES, since),
        "thread changes": Document(THREAD_CHANGES, {"since": tokens["post"]["comments"]["syncToken"], "id": post_id}),
    }
