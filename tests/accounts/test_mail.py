"""Mail: sent to a real server after the answer, and never in the way of one."""

import asyncio
import logging
import time

import pytest

from feed_service.accounts import mail
from feed_service.accounts.mail import Mail, Outbox, Smtp, send_by
from feed_service.errors import ConfigurationError
from tests.accounts.smtp import mailbox

HELLO = Mail("ann@example.org", "Hello, Änn", "A link:\n\nhttps://example.org/#token=abc\n.\nGood-bye, Änn")


async def test_a_mail_reaches_the_server_as_it_was_written() -> None:
    async with mailbox() as box:
        outbox = Outbox(send_by(box.url, "Feed <feed@example.org>"))
        outbox.put(HELLO)
        received = await box.next()
        assert (received["To"], received["From"]) == ("ann@example.org", "Feed <feed@example.org>")
        assert received["Subject"] == "Hello, Änn"
        assert received.get_content().replace("\r\n", "\n").rstrip("\n") == HELLO.text
        await outbox.close()


async def test_a_mail_goes_after_the_answer() -> None:
    sent: list[Mail] = []
    outbox = Outbox(sent.append, pause_s=0.05)
    outbox.put(HELLO)
    await asyncio.sleep(0.02)
    assert sent == []
    await outbox.close()
    assert sent == [HELLO]


async def test_a_server_that_refuses_is_logged_without_the_address(caplog: pytest.LogCaptureFixture) -> None:
    async with mailbox() as box:
        box.refused.add("ann@example.org")
        outbox = Outbox(send_by(box.url, "feed@example.org"))
        outbox.put(HELLO)
        await outbox.close()
        assert box.mails.empty()
    assert "A mail could not be sent: SMTPRecipientsRefused" in caplog.text
    assert "ann@" not in caplog.text
    assert "token" not in caplog.text


async def test_a_server_that_is_away_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with mailbox() as box:
        url = box.url
    outbox = Outbox(send_by(url, "feed@example.org"))
    outbox.put(HELLO)
    await outbox.close()
    assert "A mail could not be sent: ConnectionRefusedError 111" in caplog.text


async def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_S", 0.2)
    async with mailbox() as box:
        box.is_silent = True
        outbox = Outbox(send_by(box.url, "feed@example.org"))
        began = time.monotonic()
        outbox.put(HELLO)
        assert time.monotonic() - began < 0.1
        await outbox.close(5)
    assert "A mail could not be sent: SMTPServerDisconnected" in caplog.text


async def test_a_line_cannot_be_smuggled_into_the_head(caplog: pytest.LogCaptureFixture) -> None:
    async with mailbox() as box:
        outbox = Outbox(send_by(box.url, "feed@example.org"))
        outbox.put(Mail("ann@example.org\r\nBcc: all@example.org", "Hello", ""))
        await outbox.close()
        assert box.mails.empty()
    assert "A mail could not be sent: ValueError" in caplog.text


async def test_too_many_mails_are_lost_rather_than_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mail, "MOST_WAITING", 2)
    sent: list[Mail] = []
    outbox = Outbox(sent.append)
    for _ in range(3):
        outbox.put(HELLO)
    await outbox.close()
    assert len(sent) == 2
    assert "A mail was lost" in caplog.text


async def test_the_log_takes_mails_for_development_and_nothing_else_does(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for url, is_shown in (("none:", False), ("log:", True)):
        caplog.clear()
        await asyncio.to_thread(send_by(url, "feed@example.org"), HELLO)
        assert ("#token=abc" in caplog.text) == is_shown
    assert "Mail to ann@example.org: Hello, Änn" in caplog.text


def test_an_address_of_a_server_is_understood() -> None:
    assert Smtp.of("smtps://us%40er:p%3Aw@mail.example.org", "f@x") == Smtp(
        "mail.example.org", 465, "f@x", "us@er", "p:w", is_tls_from_start=True
    )
    assert Smtp.of("smtp://mail.example.org:25", "f@x") == Smtp(
        "mail.example.org", 25, "f@x", None, None, is_tls_from_start=False
    )


@pytest.mark.parametrize("url", ["", "http://x", "smtp:", "smtp://", "smtp://x:port", "smtp://x:99999", "log"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="FEED_MAIL_URL"):
        send_by(url, "feed@example.org")
