"""What the pages for people name is there: tests, commands, and what they link to."""

import ast
import re
from functools import cache
from pathlib import Path

import click
import pytest

from feed_service.cli import cli

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def wrong_in(text: str) -> list[str]:
    """What does not exist of all that stands in backticks."""
    named = re.findall(r"`([^`\n]+)`", text)
    tests = [found for name in named for found in re.findall(r"\btests/[\w/]+(?:\.\w+)?(?:::\w+)?", name)]
    targets = [found for name in named for found in re.findall(r"^make ([a-z0-9-]+)", name)]
    commands = [found for name in named for found in re.findall(r"^feed-service ([a-z].*)", name)]
    return [
        *(test for test in tests if not has_test(*test.partition("::")[::2])),
        *(f"make {target}" for target in targets if target not in TARGETS),
        *(f"feed-service {command}" for command in commands if not has_command(command)),
    ]


def has_test(path: str, name: str) -> bool:
    return (ROOT / path).exists() and (not name or name in functions_of(path))


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def has_command(words: str) -> bool:
    """A group may be followed by several of its commands, with | between them, or by none of them."""
    first, *others = words.split()
    command = cli.commands.get(first)
    if not isinstance(command, click.Group) or not others or not others[0][0].islower():
        return command is not None
    return set(others[0].replace("\\|", "|").split("|")) - {"…"} <= set(command.commands)


def missing_links(page: Path) -> list[str]:
    """Links to files; those to other places are not followed."""
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    return [link for link in links if "://" not in link and not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_whatever_a_page_names_exists(page: Path) -> None:
    assert not wrong_in(page.read_text())
    assert not missing_links(page)


def test_what_does_not_exist_is_found() -> None:
    there = "`make test`, `feed-service audit verify\\|show`, `tests/test_pages.py::test_what_does_not_exist_is_found`"
    assert wrong_in(there) == []
    gone = ["tests/test_pages.py::test_nothing", "tests/test_nothing.py", "make nothing"]
    gone += ["feed-service nothing", "feed-service audit nothing"]
    assert wrong_in(" ".join(f"`{name}`" for name in gone)) == gone
