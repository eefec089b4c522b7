"""Documents of the mutations of posts, and short ways to ask them."""

from typing import Any

from feed_service import models
from tests.api import Api, global_id

POST = """post { id slug title body language status publishedAt scheduledFor version editedAt category { slug }
    tags { slug name } stats { likeCount } author { username stats { postCount receivedLikeCount } } }"""
ERRORS = "userErrors { __typename code field ... on VersionConflict { current } ... on ValidationError { constraint } }"
CREATE = f"mutation ($input: CreatePostInput!) {{ createPost(input: $input) {{ {POST} {ERRORS} consistencyToken }} }}"
UPDATE = f"mutation ($input: UpdatePostInput!) {{ updatePost(input: $input) {{ {POST} {ERRORS} }} }}"
SCHEDULE = f"mutation ($id: ID!, $at: DateTime!) {{ schedulePost(id: $id, at: $at) {{ {POST} {ERRORS} }} }}"
DELETE = f"mutation ($id: ID!) {{ deletePost(id: $id) {{ deletedId {ERRORS} }} }}"
BY_ID = {
    verb: f"mutation ($id: ID!) {{ {verb}(id: $id) {{ {POST} {ERRORS} }} }}"
    for verb in ("publishPost", "unschedulePost", "restorePost")
} | {"deletePost": DELETE}
LIKE = f"mutation ($id: ID!) {{ like(subjectId: $id) {{ {ERRORS} }} }}"
COMMENT = f"mutation ($input: CreateCommentInput!) {{ createComment(input: $input) {{ {ERRORS} }} }}"

Payload = dict[str, Any]


async def asked(api: Api, document: str, who: models.User, **variables: Any) -> Payload:  # noqa: ANN401 - JSON.
    payload: Payload
    (payload,) = (await api(document, who, **variables)).values()
    return payload


async def create(api: Api, who: models.User, title: str = "News", **given: Any) -> Payload:  # noqa: ANN401 - JSON.
    return await asked(api, CREATE, who, input={"title": title} | given)


async def update(api: Api, who: models.User, post: str, **given: Any) -> Payload:  # noqa: ANN401 - JSON.
    return await asked(api, UPDATE, who, input={"id": post} | given)


async def do(api: Api, verb: str, who: models.User, post: str) -> Payload:
    return await asked(api, BY_ID[verb], who, id=post)


async def like(api: Api, who: models.User, post: str) -> Payload:
    return await asked(api, LIKE, who, id=post)


def codes(payload: Payload) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]


def refusals(payload: Payload) -> list[tuple[str, str]]:
    return [(error["code"], ".".join(error["field"] or ())) for error in payload["userErrors"]]


def id_of(post: Any) -> str:  # noqa: ANN401 - a payload or a row.
    return str(post["post"]["id"]) if isinstance(post, dict) else global_id(post)
