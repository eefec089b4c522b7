"""Markdown to HTML that is safe to show, and to plain text."""

import re

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20})

_TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong", "ul",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto"}
_REL = "nofollow ugc"

_SPACE = re.compile(r"\s+")


def body_html(text: str) -> str:
    """CommonMark as HTML: raw HTML is shown as text, images become links, links lead to http, https and mailto only."""
    tokens = _parser.parse(text)
    for token in tokens:
        token.children = [_image_as_text(child) for child in token.children or []] or token.children
    html = _parser.renderer.render(tokens, _parser.options, {})
    return nh3.clean(
        html, tags=_TAGS, attributes={"a": {"href", "title"}}, url_schemes=_SCHEMES, link_rel=_REL, strip_comments=True
    )


def _image_as_text(token: Token) -> Token:
    """An image of somebody else's server would tell that server who reads; its description stays."""
    return Token("text", "", 0, content=token.content) if token.type == "image" else token


def excerpt(text: str, max_chars: int) -> str:
    """The beginning of the text without mark-up: at most `max_chars` characters, cut at a word, with an ellipsis."""
    # What is far behind the cut need not be parsed.
    plain = _SPACE.sub(" ", " ".join(_words(_parser.parse(text[: 4 * max_chars + 1_000])))).strip()
    if len(plain) <= max_chars:
        return plain
    cut = plain[:max_chars]
    return (cut.rpartition(" ")[0] or cut[:-1]).rstrip(" .,;:") + "…"


def _words(tokens: list[Token]) -> list[str]:
    words: list[str] = []
    for token in tokens:
        if token.type == "inline":
            words.append("".join(_plain(child) for child in token.children or []))
        elif token.type in {"code_block", "fence"}:
            words.append(token.content)
    return words


def _plain(token: Token) -> str:
    if token.type in {"softbreak", "hardbreak"}:
        return " "
    return token.content
