"""A small real SMTP server on the loopback, which keeps what it is given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """`refused` addresses get 550; `is_silent`: it takes the connection and says nothing."""

    port: int = 0
    refused: set[str] = field(default_factory=set)
    is_silent: bool = False
    mails: "asyncio.Queue[EmailMessage]" = field(default_factory=asyncio.Queue)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def next(self) -> EmailMessage:
        return await asyncio.wait_for(self.mails.get(), 5)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_silent:
            writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if self.is_silent:
                continue
            if verb == b"RCPT" and any(address.encode() in line for address in self.refused):
                writer.write(b"550 nobody here\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                text = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n..", b"\r\n.")
                self.mails.put_nowait(message_from_bytes(text, policy=policy.default))
                writer.write(b"250 taken\r\n")
            else:
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
        writer.close()


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    server = await asyncio.start_server(box.talk, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
