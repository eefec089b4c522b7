"""ETags: a weak one names the very body that was sent, of one question, to one viewer; nobody else can make it."""

import hashlib
import re
from typing import Any

import orjson

from feed_service.http.body import GraphQLRequest
from feed_service.viewer import Viewer

ETAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e]{1,100}")', re.ASCII)
MOST_ETAGS = 20
"""Looked at in one If-None-Match. Browsers send one, caches those of the variants that they hold."""

MOST_CHARS = 10_000


class ETags:
    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, person=b"feed-etag").digest()

    def of(self, digest: bytes, viewer: Viewer, body: bytes) -> str:
        made = hashlib.blake2b(key=self._key, digest_size=16)
        made.update(b"%b %d %b " % (digest, viewer.user_id or 0, viewer.role.encode()))
        made.update(body)
        return f'W/"{made.hexdigest()}"'


def digest_of(text: str, asked: GraphQLRequest, media_type: str) -> bytes:
    """What was asked, however its document was named: two requests of one digest have one answer."""
    parts: tuple[Any, ...] = (text, asked.operation_name, asked.variables, media_type)
    return hashlib.blake2b(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def named_in(if_none_match: str | None) -> list[str]:
    """The ETags in the header, written as ours are. What is none is passed over, and so is `*`."""
    if not if_none_match or len(if_none_match) > MOST_CHARS:
        return []
    return [f"W/{match[1]}" for match, _ in zip(ETAG.finditer(if_none_match), range(MOST_ETAGS), strict=False)]
