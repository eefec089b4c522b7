"""Personal data of the audit trail, opened on their way to the person they are of."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

log = logging.getLogger(__name__)

NONCE_BYTES = 12
"""At the beginning of what `commands.audit` has sealed."""

Output = Callable[[bytes | bytearray], Awaitable[None]]


class Opener:
    """Takes whole lines of rows and hands them on with the member `name` of their data decrypted."""

    def __init__(self, name: str, key: bytes | None, output: Output) -> None:
        self.name = name
        self.cipher = AESGCM(key) if key else None
        self.output = output

    async def __call__(self, lines: bytes | bytearray) -> None:
        rows = [orjson.loads(line) for line in lines.splitlines()]
        for row in rows:
            row["data"][self.name] = self._opened(row["data"][self.name])
        await self.output(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))

    def _opened(self, sealed: str | None) -> Any:  # noqa: ANN401 - what was sealed: JSON.
        """`sealed` is bytes as PostgreSQL writes them in JSON. Without their key they are gone for good."""
        if sealed is None or self.cipher is None:
            return None
        content = bytes.fromhex(sealed.removeprefix("\\x"))
        try:
            return orjson.loads(self.cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], None))
        except InvalidTag:
            log.warning("an event of the audit trail cannot be opened with its owner's key")
            return None
