"""The commands of the operator for accounts: roles, and the keys that sign."""

from datetime import UTC, datetime

import click

from feed_service.accounts import keys
from feed_service.accounts.tokens import LONGEST_LIFETIME
from feed_service.cli_upkeep import done
from feed_service.commands import moderation
from feed_service.errors import ConfigurationError
from feed_service.settings import Settings
from feed_service.viewer import Role


@click.command()
@click.argument("username")
@click.argument("new_role", metavar="[user|moderator|admin]", type=click.Choice([role.value for role in Role]))
def role(username: str, new_role: str) -> None:
    """Make a user a moderator, an admin, or a user like others. It counts from their next request on."""
    before = done(moderation.set_role, username, Role(new_role))
    click.echo(f"{username}: {new_role} (was {before.value})")


@click.group("keys")
def keys_group() -> None:
    """Keys that sign tokens."""


@keys_group.command()
def rotate() -> None:
    """Sign tokens with a new key in a moment. Old keys verify theirs until the last of them has expired.

    All processes that share FEED_DATA_DIR change within seconds, without a restart.
    """
    settings = Settings.from_environment()
    if settings.token_key is not None:
        raise ConfigurationError("The keys are those of FEED_TOKEN_KEY; docs/accounts.md says how to change them.")
    dropped = keys.rotate(settings.data_dir / "keys", datetime.now(UTC), LONGEST_LIFETIME)
    click.echo(f"A new key signs within {keys.KNOWN_BEFORE.seconds + 2} seconds. Old keys dropped: {dropped}.")


COMMANDS = (role, keys_group)
