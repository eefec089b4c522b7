"""The files of an SNB data set: where they are, what columns they have, and their lines, good and bad."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from feed_service.errors import ConfigurationError
from feed_service.imports.copy import ROWS_PER_STEP
from feed_service.imports.report import BadRow, Progress, Report, RowRefused

Parsed = TypeVar("Parsed")

COLUMNS = {
    "static/tag": "id|name|url",
    "dynamic/person": "id|firstName|lastName|gender|birthday|creationDate|locationIP|browserUsed|language|email",
    "dynamic/person_knows_person": "Person.id|Person.id|creationDate",
    "dynamic/person_hasInterest_tag": "Person.id|Tag.id",
    "dynamic/post": "id|imageFile|creationDate|locationIP|browserUsed|language|content|length",
    "dynamic/post_hasCreator_person": "Post.id|Person.id",
    "dynamic/post_hasTag_tag": "Post.id|Tag.id",
    "dynamic/comment": "id|creationDate|locationIP|browserUsed|content|length",
    "dynamic/comment_hasCreator_person": "Comment.id|Person.id",
    "dynamic/comment_replyOf_post": "Comment.id|Post.id",
    "dynamic/comment_replyOf_comment": "Comment.id|Comment.id",
    "dynamic/person_likes_post": "Person.id|Post.id|creationDate",
    "dynamic/person_likes_comment": "Person.id|Comment.id|creationDate",
}
"""Every file that is read. Larger data sets come in parts: post_0_0.csv, post_1_0.csv."""

HEADLESS = "update_streams"
"""The files in this folder begin with a row; all others begin with the names of their columns."""


class Refused(Exception):
    """The row at hand cannot be stored; the message says why."""


@dataclass(frozen=True, slots=True)
class Place:
    file: str
    line: int


@dataclass
class SnbFiles:
    directory: Path
    report: Report
    progress: Progress
    strict: bool

    def check(self) -> None:
        """Raises ConfigurationError unless every file is there and begins with its columns."""
        if not self.directory.is_dir():
            raise ConfigurationError(f"There is no folder {self.directory}.")
        for name, columns in COLUMNS.items():
            for path in self.parts(name):
                with path.open("rb") as lines:
                    if lines.readline().rstrip(b"\r\n") != columns.encode():
                        raise ConfigurationError(f"{self.shown(path)} does not begin with the columns {columns}.")

    def parts(self, name: str) -> list[Path]:
        folder, _, stem = name.rpartition("/")
        is_part = re.compile(re.escape(stem) + r"_\d+_\d+\.csv").fullmatch
        parts = sorted(path for path in (self.directory / folder).glob("*.csv") if is_part(path.name))
        if not parts:
            raise ConfigurationError(f"{self.directory} is not a whole SNB data set: {name}_0_0.csv is missing.")
        return parts

    def shown(self, path: Path) -> str:
        return path.relative_to(self.directory).as_posix()

    def rows(self, kind: str, name: str, parse: Callable[[list[str]], Parsed | None]) -> Iterator[tuple[Place, Parsed]]:
        """What `parse` makes of every line. None from it means that the row is there already.

        It may raise Refused, which is reported and does not end the rest unless the import is strict.
        """
        tally, width = self.report.kind(kind), COLUMNS[name].count("|") + 1
        for path in self.parts(name):
            total = max(0, lines_in(path) - 1)
            for place, line in self.lines(path):
                tally.read += 1
                if place.line % ROWS_PER_STEP == 0:
                    self.progress(kind, place.line, total)
                try:
                    row = parse(values_of(line, width))
                except Refused as refusal:
                    self.refuse(kind, place, str(refusal))
                    continue
                if row is None:
                    tally.skipped += 1
                else:
                    yield place, row
            self.progress(kind, total, total)

    def lines(self, path: Path) -> Iterator[tuple[Place, bytes]]:
        """The lines below the header, as bytes: one that is not UTF-8 must not spoil the others."""
        shown = self.shown(path)
        with path.open("rb") as lines:
            next(lines, None)
            for number, line in enumerate(lines, start=2):
                yield Place(shown, number), line.rstrip(b"\n").removesuffix(b"\r")

    def refuse(self, kind: str, place: Place, reason: str) -> None:
        bad = BadRow(place.file, place.line, reason)
        if self.strict:
            raise RowRefused(f"{bad}. Nothing was imported.")
        self.report.kind(kind).bad += 1
        self.report.bad_rows.append(bad)

    def count_unused(self) -> None:
        """Count the rows of every file of the data set that has no place here."""
        used = {path for name in COLUMNS for path in self.parts(name)}
        for path in sorted(self.directory.rglob("*.csv")):
            if path not in used:
                header = 0 if path.parent.name == HEADLESS else 1
                self.report.unused[self.shown(path)] = max(0, lines_in(path) - header)


def lines_in(path: Path) -> int:
    last = b"\n"
    count = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            count += chunk.count(b"\n")
            last = chunk
    return count + (not last.endswith(b"\n"))


def values_of(line: bytes, width: int) -> list[str]:
    if b"\0" in line:
        raise Refused("it holds a NUL character, which PostgreSQL cannot store")
    text = None
    with suppress(UnicodeDecodeError):
        text = line.decode()
    if text is None:
        raise Refused("it is not UTF-8")
    values = text.split("|")
    if len(values) != width:
        raise Refused(f"it has {len(values)} columns instead of {width}")
    return values
