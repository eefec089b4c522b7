"""What signing in needs besides the database, made once for the process and handed down."""

from dataclasses import dataclass
from datetime import UTC, datetime

from feed_service.accounts.keys import SigningKeys
from feed_service.accounts.mail import Outbox
from feed_service.accounts.passwords import Passwords
from feed_service.accounts.tokens import ACCESS_LIFETIME, Bearer, mint


@dataclass(frozen=True)
class Desk:
    """`is_local` is false when another provider signs people in. Mails link to pages under `public_url`."""

    keys: SigningKeys
    passwords: Passwords
    outbox: Outbox
    public_url: str | None = None
    is_local: bool = True

    def access_token(self, user_id: int, session_id: int) -> tuple[str, datetime]:
        """(token, when it expires), in whole seconds."""
        now = datetime.now(UTC).replace(microsecond=0)
        token = mint(self.keys, Bearer(user_id, session_id), lifetime=ACCESS_LIFETIME, now=now)
        return token, now + ACCESS_LIFETIME

    async def close(self) -> None:
        self.passwords.close()
        await self.outbox.close()
