"""What the values of an SNB row mean: ids, times, titles."""

import re
from datetime import datetime, timedelta

from feed_service.imports.snb.files import Refused
from feed_service.models.threads import EPOCH

IS_ID = re.compile(r"0|[1-9][0-9]{0,18}").fullmatch
IS_NUMBER = re.compile(r"-?[0-9]{1,18}").fullmatch
TITLE_CHARACTERS = 80


def known_id(value: str) -> str:
    """An id as it is written; no two spellings mean the same one."""
    if not IS_ID(value):
        raise Refused(f"{shortened(value)} is not an id")
    return value


def moment(milliseconds: str) -> datetime:
    """Milliseconds since 1970, exactly."""
    if not IS_NUMBER(milliseconds):
        raise Refused(f"{shortened(milliseconds)} is not a number of milliseconds")
    try:
        return EPOCH + timedelta(milliseconds=int(milliseconds))
    except OverflowError:
        raise Refused(f"{milliseconds} milliseconds are no date") from None


def title_of(text: str) -> str:
    """The first 80 characters, without a last word that would be cut."""
    head = text[:TITLE_CHARACTERS]
    if len(text) <= TITLE_CHARACTERS:
        return text
    if text[TITLE_CHARACTERS].isspace():
        return head.rstrip()
    words, _, _ = head.rpartition(" ")
    return words.rstrip() or head


def shortened(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")
