"""Mail: written here, sent in a thread after the answer, by SMTP or into the log. Nobody waits for it."""

import asyncio
import logging
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from feed_service.errors import ConfigurationError

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0
MOST_WAITING = 200
"""Mails that may wait to be sent; what comes on top is lost, and logged."""

AT_ONCE = 4

PAUSE_S = 0.1
"""So that the answer goes first: it must not take longer where there is somebody to write to."""

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    text: str


Send = Callable[[Mail], None]
"""Sends one mail, however long it takes, and raises when it cannot."""


def log_mail(mail: Mail) -> None:
    """For development only: what mails hold opens accounts."""
    log.info("Mail to %s: %s\n%s", mail.to, mail.subject, mail.text)


def no_mail(_: Mail) -> None:
    log.warning("A mail was not sent, because FEED_MAIL_URL is not set")


def send_by(url: str, sender: str) -> Send:
    """`log:`, `none:`, `smtp://user:password@host:port` or `smtps://…`. Raises ConfigurationError."""
    if url in {"log:", "none:"}:
        return log_mail if url == "log:" else no_mail
    return Smtp.of(url, sender).send


@dataclass(frozen=True)
class Smtp:
    host: str
    port: int
    sender: str
    user: str | None
    password: str | None
    is_tls_from_start: bool

    @classmethod
    def of(cls, url: str, sender: str) -> "Smtp":
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigurationError("FEED_MAIL_URL is no address.") from error
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise ConfigurationError("FEED_MAIL_URL must be log:, smtp://user:password@host:port or smtps://….")
        user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
        is_tls = parts.scheme == "smtps"
        return cls(parts.hostname, port or (465 if is_tls else 587), sender, user, password, is_tls)

    def send(self, mail: Mail) -> None:
        with self._connected() as server:
            if self.user is not None:
                server.login(self.user, self.password or "")
            server.send_message(self._written(mail))

    def _connected(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.is_tls_from_start:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        # Mails hold tokens: in the clear they go to this machine only.
        if self.host not in LOOPBACK:
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def _written(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, mail.to, mail.subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="feed-service.invalid")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


class Outbox:
    """Mails on their way. What cannot be sent is logged without its address, and not tried again."""

    def __init__(self, send: Send, pause_s: float = PAUSE_S) -> None:
        self._send = send
        self._pause_s = pause_s
        self._sending: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)

    def put(self, mail: Mail) -> None:
        """Returns at once."""
        if len(self._sending) >= MOST_WAITING:
            log.error("A mail was lost, because %d are waiting already", MOST_WAITING)
            return
        task = asyncio.create_task(self._sent(mail))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def close(self, within_s: float = TIMEOUT_S) -> None:
        """Give what is on its way some time to go."""
        if self._sending:
            _, lost = await asyncio.wait(self._sending, timeout=within_s)
            for task in lost:
                task.cancel()

    async def _sent(self, mail: Mail) -> None:
        await asyncio.sleep(self._pause_s)
        async with self._at_once:
            try:
                await asyncio.to_thread(self._send, mail)
            except (OSError, ValueError) as error:  # Every error of smtplib is an OSError.
                log.error("A mail could not be sent: %s", described(error))  # noqa: TRY400 - a traceback holds the address.


def described(error: Exception) -> str:
    """The kind of error and the server's number for it; its text would name the recipient."""
    number = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
    return f"{type(error).__name__}{f' {number}' if number else ''}"
