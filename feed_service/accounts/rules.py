"""What a user may be called, write about themselves, and choose as a password. Each wrong field is told apart."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import urlsplit

from feed_service.errors import Invalid, ManyRefused, Refused
from feed_service.vocabulary import UserErrorCode

Value = TypeVar("Value")

USERNAME = re.compile(r"[A-Za-z0-9_]{3,40}")
EMAIL = re.compile(r'[^@\s\x00-\x20\x7f-\x9f"(),:;<>\[\\\]]{1,64}@[^@\s\x00-\x20\x7f-\x9f"(),:;<>\[\\\]]{1,253}')
HIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, ends of lines, and what turns the direction of the text around a name."""

VISIBLE = set("LNPS")
"""Letters, numbers, punctuation and symbols, by the first letter of their category: a name needs one of them."""

MOST_IN_DISPLAY_NAME = 80
MOST_IN_BIO = 1_000
MOST_IN_URL = 2_000
MOST_IN_EMAIL = 254
PASSWORD_FROM, PASSWORD_TO = 8, 200


class Form:
    """Collects what is wrong with several fields, so that a user learns of all at once."""

    def __init__(self) -> None:
        self._refusals: list[Refused] = []

    def field(self, name: str, rule: Callable[..., Value], *values: object) -> Value | None:
        """What `rule` makes of the values; None if it refused them."""
        try:
            return rule(*values, (name,))
        except Refused as refusal:
            self._refusals.append(refusal)
            return None

    def check(self) -> None:
        """Raises ManyRefused if any field was refused."""
        if self._refusals:
            raise ManyRefused(self._refusals)


def username(text: str, field: Iterable[str]) -> str:
    if not USERNAME.fullmatch(text):
        message = "A user name has 3 to 40 letters without accents, digits and underscores."
        raise Invalid(UserErrorCode.INVALID, message, tuple(field), "^[A-Za-z0-9_]{3,40}$")
    return text


def email(text: str, field: Iterable[str]) -> str:
    address = composed(text, "An e-mail address", MOST_IN_EMAIL, field)
    if not EMAIL.fullmatch(address):
        raise Invalid(UserErrorCode.INVALID, "This is not an e-mail address.", tuple(field), "email")
    return address


def email_key(address: str) -> str:
    """The address as it is compared; what is longer than any is cut, and still longer than any."""
    return unicodedata.normalize("NFC", address[: MOST_IN_EMAIL + 1]).lower()


def display_name(text: str | None, field: Iterable[str]) -> str:
    name = composed(text or "", "A name to show", MOST_IN_DISPLAY_NAME, field)
    if not any(unicodedata.category(letter)[0] in VISIBLE for letter in name):
        raise Invalid(UserErrorCode.EMPTY, "A name to show must not be empty.", tuple(field), "min=1")
    if HIDDEN.search(name):
        raise Invalid(UserErrorCode.INVALID, "A name to show is one line.", tuple(field), "one line")
    return name


def bio(text: str | None, field: Iterable[str]) -> str | None:
    if text is None:
        return None
    return composed(text, "A bio", MOST_IN_BIO, field)


def avatar_url(text: str | None, field: Iterable[str]) -> str | None:
    if text is None:
        return None
    if len(text) > MOST_IN_URL:
        raise too_long("The address of a picture", MOST_IN_URL, field)
    if not is_https_address(text):
        message = "The address of a picture must begin with https:// and name a host."
        raise Invalid(UserErrorCode.INVALID, message, tuple(field), "https")
    return text


def is_https_address(text: str) -> bool:
    if re.search(r"[\s\x00-\x20\x7f-\x9f\\<>\"]", text):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme == "https" and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False


def password(text: str, own_names: Iterable[str | None], field: Iterable[str]) -> str:
    """Kept as it is given. `own_names` are what an attacker tries first: the user name and the e-mail address."""
    if len(text) < PASSWORD_FROM:
        message = f"A password has {PASSWORD_FROM} characters or more."
        raise Invalid(UserErrorCode.INVALID, message, tuple(field), f"min={PASSWORD_FROM}")
    if len(text) > PASSWORD_TO:
        raise too_long("A password", PASSWORD_TO, field)
    if text.lower() in {name.lower() for name in own_names if name}:
        message = "A password must not be the user name or the e-mail address."
        raise Invalid(UserErrorCode.INVALID, message, tuple(field), "not a name")
    return text


def composed(text: str, what: str, most: int, field: Iterable[str]) -> str:
    """The text in NFC. The limit holds before it, too: 50,000 marks upon each other take it seconds. Raises Refused."""
    normal = unicodedata.normalize("NFC", text) if len(text) <= most else text
    if len(normal) > most:
        raise too_long(what, most, field)
    return normal


def too_long(what: str, most: int, field: Iterable[str]) -> Invalid:
    return Invalid(UserErrorCode.TOO_LONG, f"{what} has {most} characters or less.", tuple(field), f"max={most}")
