"""Mutations of accounts and sessions; what they do stands beside their payloads."""

import strawberry

from feed_service.schema import accounts, sessions
from feed_service.schema.accounts import (
    AccountPayload,
    ChangePasswordInput,
    Email,
    MailedToken,
    Reason,
    ResetPasswordInput,
    UpdateProfileInput,
    UserId,
    UserPayload,
)
from feed_service.schema.context import Info
from feed_service.schema.payloads import Of, Outcome
from feed_service.schema.sessions import (
    EndedToken,
    LogInInput,
    LogOutPayload,
    RefreshToken,
    RevokeSessionPayload,
    SessionId,
    SessionPayload,
    SignUpInput,
)


@strawberry.type
class AccountMutations:
    @strawberry.mutation(graphql_type=SessionPayload, description="Make an account and log in to it.")
    async def sign_up(self, info: Info, input: Of[SignUpInput]) -> Outcome:  # noqa: A002
        return await sessions.sign_up(info, input)

    @strawberry.mutation(
        graphql_type=SessionPayload,
        description="Log in. The answer to a wrong name is that to a wrong password; 20 wrong ones in 5 minutes are "
        "RATE_LIMITED.",
    )
    async def log_in(self, info: Info, input: Of[LogInInput]) -> Outcome:  # noqa: A002
        return await sessions.log_in(info, input)

    @strawberry.mutation(
        graphql_type=SessionPayload,
        description="Carry a session on. A refresh token is good once: for ten seconds it gives the same answer again, "
        "and after that it ends the session.",
    )
    async def refresh_session(self, info: Info, refresh_token: RefreshToken) -> Outcome:
        return await sessions.refresh(info, refresh_token)

    @strawberry.mutation(graphql_type=LogOutPayload, description="End this session.")
    async def log_out(self, info: Info, refresh_token: EndedToken = None) -> Outcome:
        return await sessions.log_out(info, refresh_token)

    @strawberry.mutation(graphql_type=RevokeSessionPayload, description="End one of the viewer's sessions.")
    async def revoke_session(self, info: Info, id: SessionId) -> Outcome:  # noqa: A002
        return await sessions.revoke(info, id)

    @strawberry.mutation(graphql_type=UserPayload, description="Change what the viewer says about themselves.")
    async def update_profile(self, info: Info, input: Of[UpdateProfileInput]) -> Outcome:  # noqa: A002
        return await accounts.update_profile(info, input)

    @strawberry.mutation(graphql_type=AccountPayload, description="Set a new password; other sessions end.")
    async def change_password(self, info: Info, input: Of[ChangePasswordInput]) -> Outcome:  # noqa: A002
        return await accounts.change_password(info, input)

    @strawberry.mutation(
        graphql_type=AccountPayload,
        description="Send a mail to choose a new password with, if somebody has given this address. The answer "
        "does not tell.",
    )
    async def request_password_reset(self, info: Info, email: Email) -> Outcome:
        return await accounts.request_password_reset(info, email)

    @strawberry.mutation(graphql_type=AccountPayload, description="Set a new password; all sessions end.")
    async def reset_password(self, info: Info, input: Of[ResetPasswordInput]) -> Outcome:  # noqa: A002
        return await accounts.reset_password(info, input)

    @strawberry.mutation(
        graphql_type=AccountPayload, description="Send the mail to confirm the viewer's address again."
    )
    async def request_email_confirmation(self, info: Info) -> Outcome:
        return await accounts.request_confirmation(info)

    @strawberry.mutation(graphql_type=UserPayload, description="Confirm an e-mail address by the token of a mail.")
    async def confirm_email(self, info: Info, token: MailedToken) -> Outcome:
        return await accounts.confirm_email(info, token)

    @strawberry.mutation(
        graphql_type=UserPayload, description="For moderators: take a user and all they wrote off every list."
    )
    async def suspend_user(self, info: Info, id: UserId, reason: Reason) -> Outcome:  # noqa: A002
        return await accounts.suspend(info, id, reason)

    @strawberry.mutation(graphql_type=UserPayload, description="For moderators: take a suspension back.")
    async def restore_user(self, info: Info, id: UserId) -> Outcome:  # noqa: A002
        return await accounts.restore(info, id)
