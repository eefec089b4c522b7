"""HTTP as lean as can be, so that hundreds of clients in one process leave the cores to the servers they ask."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

PATIENCE_S = 30.0
KEPT_S = 3.0
"""uvicorn hangs up on connections that were silent for five seconds."""


class Lost(Exception):
    """There was no answer, or not all of it: the server was not there, or died."""


class Answer(NamedTuple):
    """`began` is when the request was about to be sent, by time.monotonic()."""

    began: float
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - JSON.
        return json.loads(self.body)


Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wire:
    """Kept connections to servers on ports of 127.0.0.1, used by whoever asks next."""

    def __init__(self) -> None:
        self._idle: dict[int, list[tuple[float, Line]]] = defaultdict(list)

    async def ask(self, port: int, method: str, address: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Raises Lost, also when nothing came for half a minute."""
        lines = [f"{method} {address} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        request, began = ("\r\n".join(lines) + "\r\n\r\n").encode() + body, time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_S):
                return Answer(began, *await self._exchanged(port, request))
        except (OSError, EOFError, TimeoutError) as error:
            raise Lost(f"{type(error).__name__} from port {port}: {error}") from error

    async def _exchanged(self, port: int, request: bytes) -> tuple[int, Mapping[str, str], bytes]:
        reader, writer = line = await self._line(port)
        try:
            writer.write(request)
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
            status = int(first.split()[1])
            length = 0 if status == 304 else int(headers.get("content-length", 0))
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self._idle[port].append((time.monotonic(), line))
        return status, headers, body

    async def _line(self, port: int) -> Line:
        while self._idle[port]:
            since, line = self._idle[port].pop()
            if time.monotonic() - since < KEPT_S and not line[0].at_eof():
                return line
            line[1].close()
        return await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)

    async def close(self) -> None:
        lines: Sequence[Line] = [line for kept in self._idle.values() for _, line in kept]
        for _, writer in lines:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in lines), return_exceptions=True)
