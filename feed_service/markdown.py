"""Markdown to HTML that is safe to show, and to plain text."""

import re
from collections.abc import Iterator

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_NESTING = 20

MAX_ADDRESSES = 100_000
"""Characters of all addresses and titles in one text: `[a]: …long…` and then `[a][a][a]…` would multiply them."""

_parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING})

_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_TAGS = {"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "strong", "ul"} | _HEADINGS
_ATTRIBUTES = {"a": {"href", "title"}, "code": {"class"}, "ol": {"start"}}
_LANGUAGE = re.compile(r"language-[\w+#.-]{1,40}", re.ASCII)

_SPACE = re.compile(r"\s+")


def body_html(text: str) -> str:
    """CommonMark as HTML: raw HTML is shown as text, images become links, links lead to http, https and mailto only."""
    tokens = _parser.parse(text)
    budget = MAX_ADDRESSES
    for token in tokens:
        token.children = list(_images_as_links(token.children or []))
        for child in token.children:
            budget -= sum(len(str(value)) for value in child.attrs.values())
            if budget < 0:
                child.attrs.clear()
    return _cleaner.clean(_parser.renderer.render(tokens, _parser.options, {}))


def excerpt(text: str, max_chars: int) -> str:
    """The beginning of the text without mark-up: at most `max_chars` characters, cut at a word, with an ellipsis."""
    plain = _SPACE.sub(" ", " ".join(_words(_parser.parse(text[: read_for_excerpt(max_chars)])))).strip()
    if len(plain) <= max_chars:
        return plain
    cut = plain[:max_chars]
    return (cut.rpartition(" ")[0] or cut[:-1]).rstrip(" .,;:") + "…"


def read_for_excerpt(max_chars: int) -> int:
    """How many characters of the text are parsed: what is far behind the cut need not be."""
    return 4 * max_chars + 1_000


def _images_as_links(tokens: list[Token]) -> Iterator[Token]:
    """An image of somebody else's server would tell that server who reads; a link tells it only who follows."""
    is_in_link = False
    for token in tokens:
        if token.type != "image":
            is_in_link = token.type == "link_open" or (is_in_link and token.type != "link_close")
            yield token
            continue
        address = str(token.attrs.get("src", ""))
        words = Token("text", "", 0, content=_plain(token) or address)
        if is_in_link:
            yield words
        else:
            yield from (Token("link_open", "a", 1, attrs={"href": address}), words, Token("link_close", "a", -1))


def _words(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "inline":
            yield "".join(_plain(child) for child in token.children or [])
        elif token.type in {"code_block", "fence"}:
            yield token.content


def _plain(token: Token) -> str:
    if token.type in {"softbreak", "hardbreak"}:
        return " "
    if token.type == "image":
        return "".join(_plain(child) for child in token.children or [])
    return token.content


def _kept(_element: str, attribute: str, value: str) -> str | None:
    """Of classes only the language of a code block, which highlighters look for."""
    return None if attribute == "class" and not _LANGUAGE.fullmatch(value) else value


_cleaner = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    attribute_filter=_kept,
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="nofollow ugc",
)
