"""The mutation that ends an account."""

from typing import Annotated

import strawberry

from feed_service.commands import account_deletion, signing_in
from feed_service.commands.accounts import wrong_password
from feed_service.commands.permissions import signed_in
from feed_service.schema.context import Info
from feed_service.schema.payloads import MutationPayload, Outcome, outcome_of

Password = Annotated[
    str | None,
    strawberry.argument(description="The viewer's password; null only if another provider signs people in."),
]


@strawberry.type(description="What `deleteAccount` answers.")
class DeleteAccountPayload(MutationPayload):
    """Nothing to show: the viewer is gone."""


@strawberry.type
class AccountDeletionMutations:
    @strawberry.mutation(
        graphql_type=DeleteAccountPayload,
        description="Delete the viewer's account, for ever. It and all of its posts and comments are hidden at once, "
        "and its sessions are over; likes, follows, texts and personal data are removed within minutes.",
    )
    async def delete_account(self, info: Info, password: Password = None) -> Outcome:
        return await outcome_of(deleted(info, password))


async def deleted(info: Info, password: str | None) -> None:
    """Raises Refused for a wrong password, and RateLimited."""
    signed_in(info.context.viewer)
    if info.context.desk.is_local:
        if password is None:
            raise wrong_password("password")
        await info.context.at_the_desk(signing_in.require_password, password)
    await info.context.write(account_deletion.delete_account)
