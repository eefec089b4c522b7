"""What people may write: NFC, otherwise kept to the character, within limits (docs/decisions/0009)."""

import re
import unicodedata
from collections.abc import Iterable

from feed_service.errors import BadUserInput, Invalid
from feed_service.vocabulary import UserErrorCode

MOST_IN_TITLE = 300
MOST_IN_BODY = 20_000
"""Rendering the worst Markdown that was found takes 9 µs a character, hence 0.2 s (docs/decisions/0009)."""

MOST_IN_COMMENT = 5_000
MOST_MARKS = 30
"""Combining marks in a row, the bound of Unicode's stream-safe texts: normalising 20,000 of them takes 0.5 s."""

BLANK = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]*"
)
"""White space, control characters, and what Unicode says to show as nothing at all (Default_Ignorable_Code_Point)."""


def title(text: str, field: Iterable[str] = ("title",)) -> str:
    """The title as it is stored. Raises Refused if it is empty or too long, BadUserInput for what is no text."""
    return shown(written(text, "A title", MOST_IN_TITLE, field), "A title", field)


def body(text: str, field: Iterable[str] = ("body",)) -> str:
    """The body of a post as it is stored; it may be empty. Raises as `title`."""
    return written(text, "The text of a post", MOST_IN_BODY, field)


def comment(text: str, field: Iterable[str] = ("body",)) -> str:
    """The body of a comment as it is stored. Raises as `title`."""
    return shown(written(text, "A comment", MOST_IN_COMMENT, field), "A comment", field)


def written(text: str, what: str, most: int, field: Iterable[str]) -> str:
    """The text in NFC. The limit holds before and after: of some letters NFC makes two or three characters."""
    require_characters(text)
    if len(text) > most:
        raise too_long(what, most, field)
    if text.isascii():
        return text
    require_few_marks(text, field)
    normal = unicodedata.normalize("NFC", text)
    if len(normal) > most:
        raise too_long(what, most, field)
    return normal


def shown(text: str, what: str, field: Iterable[str]) -> str:
    """The text, if there is anything in it to be seen."""
    if BLANK.fullmatch(text):
        raise Invalid(UserErrorCode.EMPTY, f"{what} must not be empty.", tuple(field), "min=1")
    return text


def require_characters(text: str) -> None:
    """Raises BadUserInput for NUL, which PostgreSQL refuses, and for half a pair of surrogates, which is no character.

    HTTP refuses them before; this is for all other ways in.
    """
    if "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
        raise BadUserInput("A text holds a NUL character or a lone surrogate.")


def require_few_marks(text: str, field: Iterable[str]) -> None:
    run = 0
    for letter in text:
        run = run + 1 if letter >= "\u0300" and unicodedata.combining(letter) else 0
        if run > MOST_MARKS:
            message = f"There are more than {MOST_MARKS} combining marks on one letter."
            raise Invalid(UserErrorCode.INVALID, message, tuple(field), f"marks<={MOST_MARKS}")


def too_long(what: str, most: int, field: Iterable[str]) -> Invalid:
    return Invalid(UserErrorCode.TOO_LONG, f"{what} has {most:,} characters or less.", tuple(field), f"max={most}")
