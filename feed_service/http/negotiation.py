"""Which media type an answer has: the Accept header against what is on offer."""

import re
from collections.abc import Iterator
from functools import lru_cache

from starlette.datastructures import Headers

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
HTML = "text/html"
NDJSON = "application/x-ndjson"

RANGE = re.compile(r"\s*([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)\s*(;.*)?", re.ASCII)
QUALITY = re.compile(r"(0(\.\d{0,3})?|1(\.0{0,3})?)\Z", re.ASCII)

MOST_KNOWN, LONGEST_KNOWN = 100, 200
"""Accept headers that are judged once, and their characters: clients are of few kinds."""

Range = tuple[str, str, float]
"""Type, subtype, quality."""


def answer_type(accept: str) -> str | None:
    """`GRAPHQL` or `JSON`, as the client prefers; None when it takes neither.

    A client that names both alike gets GRAPHQL; one that takes anything gets JSON, as the draft asks for older clients.
    """
    return _known_type(accept) if len(accept) <= LONGEST_KNOWN else _answer_type(accept)


def _answer_type(accept: str) -> str | None:
    ranges = list(media_ranges(accept)) or [("*", "*", 1.0)]
    rank = {offer: rank_of(offer, ranges) for offer in (GRAPHQL, JSON)}
    if not rank[GRAPHQL][0] and not rank[JSON][0]:
        return None
    if rank[GRAPHQL] == rank[JSON]:
        return GRAPHQL if rank[GRAPHQL][1] == 2 else JSON
    return max(rank, key=lambda offer: rank[offer])


_known_type = lru_cache(MOST_KNOWN)(_answer_type)


def accept_of(headers: Headers) -> str | None:
    return ", ".join(headers.getlist("accept")) or None


def prefers_html(accept: str | None) -> bool:
    """Whether this is a browser that opens an address: it names HTML before anything that we have."""
    ranges = list(media_ranges(accept or ""))
    quality, specificity = rank_of(HTML, ranges)
    named = any(kind == "text" for kind, _, _ in ranges)
    best = max(rank_of(GRAPHQL, ranges), rank_of(JSON, ranges))
    return named and quality > 0 and (quality, specificity) > best


def rank_of(offer: str, ranges: list[Range]) -> tuple[float, int]:
    """(quality, specificity) of the range that fits `offer` best; (0, -1) when none does."""
    kind, subtype = offer.split("/")
    best = (0.0, -1)
    for range_kind, range_subtype, quality in ranges:
        if range_kind not in {kind, "*"} or range_subtype not in {subtype, "*"}:
            continue
        specificity = (range_kind != "*") + (range_subtype != "*")
        if specificity > best[1]:
            best = (quality, specificity)
    return best if best[0] else (0.0, best[1])


def media_ranges(accept: str) -> Iterator[Range]:
    """The ranges that can be read; a charset other than UTF-8 asks for what we do not have."""
    for part in accept.split(","):
        match = RANGE.fullmatch(part)
        if match is None:
            continue
        parameters = dict(parameters_of(match[3] or ""))
        quality = parameters.pop("q", "1")
        if QUALITY.match(quality) and parameters.get("charset", "utf-8") in {"utf-8", "utf8"}:
            yield match[1].lower(), match[2].lower(), float(quality)


def is_json(content_type: str) -> bool:
    """Whether a body is declared as JSON in UTF-8."""
    if content_type == JSON:
        return True
    media_type, _, rest = content_type.partition(";")
    charset = dict(parameters_of(rest)).get("charset", "utf-8")
    return media_type.strip().lower() == JSON and charset in {"utf-8", "utf8"}


def parameters_of(text: str) -> Iterator[tuple[str, str]]:
    for parameter in text.split(";"):
        name, separator, value = parameter.partition("=")
        if separator:
            yield name.strip().lower(), value.strip().strip('"').lower()
