"""An export as its client reads it."""

import hashlib
from typing import Any, NamedTuple

import orjson

from feed_service.exports.source import Source
from feed_service.exports.stream import ExportDatabase


class Export(NamedTuple):
    """`trailer` is None for one that ended early; a trailer is right, or reading fails."""

    header: dict[str, Any]
    rows: list[dict[str, Any]]
    trailer: dict[str, Any] | None

    @property
    def data(self) -> list[Any]:
        return [row["data"] for row in self.rows]


def read(body: bytes) -> Export:
    """What stands behind the last line feed is no line."""
    lines = body.split(b"\n")[:-1]
    header, *rest = [orjson.loads(line) for line in lines]
    assert header["type"] == "header"
    if not rest or rest[-1]["type"] != "trailer":
        return Export(header, rest, None)
    rows = b"".join(line + b"\n" for line in lines[1:-1])
    sha256 = hashlib.sha256(rows).hexdigest()
    assert rest[-1] == {"type": "trailer", "rows": len(rest) - 1, "sha256": sha256, "complete": True}
    return Export(header, rest[:-1], rest[-1])


async def exported(exports: ExportDatabase, source: Source, *, after: str | None = None) -> Export:
    chunks: list[bytes] = []

    async def keep(lines: bytes) -> None:
        chunks.append(lines)

    await exports.export(source, keep, after=after)
    export = read(b"".join(chunks))
    assert export.trailer
    return export


def key_of(row: dict[str, Any]) -> str:
    return orjson.dumps(row["key"]).decode()
