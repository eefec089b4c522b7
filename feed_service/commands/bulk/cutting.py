"""A stream of bytes, cut into chunks of whole lines: as many as one transaction does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from feed_service.commands.bulk.lines import MOST_LINE_BYTES

CHUNK_LINES = 5_000
CHUNK_BYTES = 1_000_000


class Chunk(NamedTuple):
    """`lines` are the bytes as they came, the first of them line `first_line`, from 1."""

    number: int
    first_line: int
    line_count: int
    lines: bytes


@dataclass
class Cutter:
    """Holds one chunk at most: of a longer line only so much is kept that it is known to be too long."""

    chunk_lines: int
    _lines: list[bytes] = field(default_factory=list)
    _size: int = 0
    _open: bytes = b""
    _number: int = 0
    _first_line: int = 1

    def cut(self, data: bytes) -> Iterator[Chunk]:
        """The chunks that these bytes complete."""
        *ended, rest = data.split(b"\n")
        for line in ended:
            yield from self._end_line(self._open + line[: self._room])
            self._open = b""
        self._open += rest[: self._room]

    def end(self) -> Iterator[Chunk]:
        """The last chunk; the last line needs no line feed."""
        if self._open:
            self._lines.append(self._open)
        if self._lines:
            yield self._cut_off()

    @property
    def line_count(self) -> int:
        return self._first_line - 1

    @property
    def chunk_count(self) -> int:
        return self._number

    @property
    def _room(self) -> int:
        return MOST_LINE_BYTES + 1 - len(self._open)

    def _end_line(self, line: bytes) -> Iterator[Chunk]:
        self._lines.append(line)
        self._size += len(line)
        if len(self._lines) >= self.chunk_lines or self._size >= CHUNK_BYTES:
            yield self._cut_off()

    def _cut_off(self) -> Chunk:
        chunk = Chunk(self._number, self._first_line, len(self._lines), b"\n".join(self._lines))
        self._number += 1
        self._first_line += len(self._lines)
        self._lines, self._size, self._open = [], 0, b""
        return chunk
