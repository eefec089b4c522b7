"""Slugs of imported names: Unicode letters and digits stay, everything else becomes a hyphen."""

import unicodedata
from collections.abc import Collection

KEPT = {"L", "M", "N"}
"""Unicode's letters, marks (without which Hindi words fall apart) and numbers."""


def slug_of(name: str) -> str:
    """`Juan_Perón` becomes `juan-perón`; a name without any letter or digit becomes `tag`."""
    lowered = unicodedata.normalize("NFC", name.lower())
    spaced = "".join(letter if unicodedata.category(letter)[0] in KEPT else " " for letter in lowered)
    return "-".join(spaced.split()) or "tag"


def free_slug(slug: str, taken: Collection[str]) -> str:
    """`slug`, or the first of `slug-2`, `slug-3`, … that is not taken."""
    number, free = 1, slug
    while free in taken:
        number += 1
        free = f"{slug}-{number}"
    return free
