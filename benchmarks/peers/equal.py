"""Answers in one plain shape, so that they can be compared by value: without cursors, with local ids and UTC times."""

import base64
from datetime import UTC, datetime
from typing import Any

import orjson

RENAMED = {"rowId": "id"}
NUMBERS = ("likeCount", "commentCount", "bookmarkCount")
MARKS = ("hasLiked", "hasBookmarked")


def plain(peer: str, operation: str, body: bytes | str) -> Any:  # noqa: ANN401 - JSON.
    """What `peer` has answered.

    Raises:
        ValueError: the answer is not JSON, or has errors.
    """
    said = orjson.loads(body)
    if peer == "limit":
        return _values(said)
    if said.get("errors"):
        raise ValueError(f"{peer}, {operation}: {said['errors']}")
    shaped = _SHAPES[operation](said["data"])
    return _values(_nested(shaped) if peer == "postgraphile" else shaped)


def _page_of_feed(answer: Any) -> Any:  # noqa: ANN401 - JSON.
    feed = answer["feed"]
    reasons = [{"reason": edge["reason"]["__typename"]} if "reason" in edge else {} for edge in feed["edges"]]
    posts = [edge["node"] | reason for edge, reason in zip(feed["edges"], reasons, strict=True)]
    return {"posts": posts, "hasNextPage": feed["pageInfo"]["hasNextPage"]}


def _post(answer: Any) -> Any:  # noqa: ANN401 - JSON.
    post = answer["post"]
    if post is None:
        return None
    comments = [edge["node"] | {"replies": edge["node"]["replies"]["nodes"]} for edge in post["comments"]["edges"]]
    return post | {"comments": comments, "hasNextPage": post["comments"]["pageInfo"]["hasNextPage"]}


_SHAPES = {"feed": _page_of_feed, "popular": _page_of_feed, "post": _post}


def _nested(found: Any) -> Any:  # noqa: ANN401 - JSON.
    """PostGraphile has the numbers of a post on the post, and a connection for each list."""
    if isinstance(found, list):
        return [_nested(item) for item in found]
    if not isinstance(found, dict):
        return found
    if set(found) == {"nodes"}:
        return _nested(found["nodes"])
    rest = {name: _nested(value) for name, value in found.items() if name not in {*NUMBERS, *MARKS}}
    stats = {name: found[name] for name in NUMBERS if name in found}
    marks = {name: found[name] for name in MARKS if name in found}
    if marks:
        rest["viewerState"] = None if None in marks.values() else marks
    return rest | ({"stats": stats} if stats else {})


def _values(found: Any) -> Any:  # noqa: ANN401 - JSON.
    if isinstance(found, list):
        return [_values(item) for item in found]
    if isinstance(found, dict):
        return {RENAMED.get(name, name): _value(name, value) for name, value in found.items()}
    return found


def _value(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON.
    if isinstance(value, str) and name.endswith("At"):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat(timespec="microseconds")
    if name in {"id", "rowId"} and isinstance(value, str):
        return int(value) if value.isdigit() else _local(value)
    return _values(value)


def _local(global_id: str) -> int:
    plain_id = base64.urlsafe_b64decode(global_id + "=" * (-len(global_id) % 4)).decode()
    return int(plain_id.rpartition(":")[2])
