"""Slugs of names and titles: Unicode letters and digits stay, + and # are spoken, everything else becomes a hyphen."""

import unicodedata
from collections.abc import Collection

SPOKEN = str.maketrans({"+": " plus ", "#": " sharp "})
"""Without them C, C++ and C# would be one."""

KEPT = {"L", "M", "N"}
"""Unicode's letters, marks (without which Hindi words fall apart) and numbers."""


def slug_of(name: str, otherwise: str = "tag") -> str:
    """`Juan_Perón` becomes `juan-perón`; a name without any letter or digit becomes `otherwise`."""
    lowered = unicodedata.normalize("NFC", name.lower().translate(SPOKEN))
    spaced = "".join(letter if unicodedata.category(letter)[0] in KEPT else " " for letter in lowered)
    return "-".join(spaced.split()) or otherwise


def free_slug(slug: str, taken: Collection[str]) -> str:
    """`slug`, or the first of `slug-2`, `slug-3`, … that is not taken."""
    number, free = 1, slug
    while free in taken:
        number += 1
        free = f"{slug}-{number}"
    return free
