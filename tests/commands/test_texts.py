"""Texts: kept to the character but for NFC, and refused with one code each."""

import time
from collections.abc import Callable

import pytest

from feed_service import markdown
from feed_service.commands import texts
from feed_service.errors import BadUserInput, Invalid

AWKWARD = [
    "plain",
    "  spaces before and after  ",
    "one\r\ntwo\rthree\n\n\tfour\v\f",
    "👩‍👩‍👧‍👦 👍🏽 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣",
    "שלום\u200f \u202eabc\u202c مرحبا",
    "𝒳𐍈𠮷\U0010ffff",
    "\u1ea1\u0327\u0301x\u0336\u0489" * 3,
    "हिन्दी ไทย 한국어",
    "<script>&amp;\\\"'%00 $1 {}",
    "\u00ad\u200b\ufeff?\ufffe\ufffd\ue000",
    "x" * texts.MOST_IN_TITLE,
]
"""All in NFC."""

RULES: list[Callable[..., str]] = [texts.title, texts.body, texts.comment]


@pytest.mark.parametrize("text", AWKWARD)
@pytest.mark.parametrize("rule", RULES)
def test_a_text_in_nfc_is_kept_to_the_character(rule: Callable[..., str], text: str) -> None:
    assert rule(text) == text


@pytest.mark.parametrize(
    ("given", "stored"), [("e\u0301", "é"), ("\u212b", "Å"), ("\u1112\u1161\u11ab", "한"), ("a\u0301\u0323", "ạ\u0301")]
)
def test_other_texts_are_stored_in_nfc(given: str, stored: str) -> None:
    assert texts.body(given) == stored


@pytest.mark.parametrize(
    ("rule", "text", "code", "constraint"),
    [
        (texts.title, "", "EMPTY", "min=1"),
        (texts.title, " \t\r\n\u00a0\u3000\u2028", "EMPTY", "min=1"),
        (texts.title, "\u200b\u200d\ufeff\u00ad\u2060\u180e\ufe0f", "EMPTY", "min=1"),
        (texts.comment, "\u3164\u115f\u2800\U000e0020\x07", "EMPTY", "min=1"),
        (texts.title, "x" * 301, "TOO_LONG", "max=300"),
        (texts.body, "😀" * 20_001, "TOO_LONG", "max=20000"),
        (texts.comment, "x" * 5_001, "TOO_LONG", "max=5000"),
        (texts.title, "\u0958" * 151, "TOO_LONG", "max=300"),
        (texts.comment, "a" + "\u0301" * 31, "INVALID", "marks<=30"),
    ],
)
def test_a_text_that_breaks_a_rule_is_refused(rule: Callable[..., str], text: str, code: str, constraint: str) -> None:
    with pytest.raises(Invalid) as refused:
        rule(text, ("there",))
    assert (refused.value.reason, refused.value.field, refused.value.constraint) == (code, ("there",), constraint)


def test_the_body_of_a_post_may_be_empty_or_blank() -> None:
    assert [texts.body(""), texts.body(" \n")] == ["", " \n"]


@pytest.mark.parametrize("text", ["a\0b", "\ud83d", "é\udc00"])
@pytest.mark.parametrize("rule", RULES)
def test_what_is_no_text_is_an_error(rule: Callable[..., str], text: str) -> None:
    with pytest.raises(BadUserInput):
        rule(text)


HOSTILE = ["[", "[a][", "- a\n", "> - ", "a\n\n", "*a_"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_worst_body_is_rendered_in_bounded_time(piece: str) -> None:
    """About 0.2 s where it was measured; the bound leaves room for slow and busy machines."""
    text = (piece * texts.MOST_IN_BODY)[: texts.MOST_IN_BODY]
    started = time.process_time()
    markdown.body_html(text)
    assert time.process_time() - started < 2


def test_marks_that_are_slow_to_sort_are_refused_at_once() -> None:
    started = time.process_time()
    with pytest.raises(Invalid):
        texts.body("a" + "\u0301" * 9_000 + "\u0316" * 9_000)
    assert time.process_time() - started < 0.1
