"""Signing up, logging in and what keeps people logged in."""

from datetime import datetime
from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.commands import sessions, signing_in
from feed_service.commands.signing_in import SignedIn
from feed_service.rows import is_a
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_as, encode
from feed_service.schema.lazy import LazyUser
from feed_service.schema.levels import Rows, level
from feed_service.schema.payloads import MutationPayload, Outcome, outcome_of, performed, performed_on

RefreshToken = Annotated[str, strawberry.argument(description="The newest refresh token of the session.")]
EndedToken = Annotated[
    str | None, strawberry.argument(description="A refresh token whose session shall end, too: no access token needed.")
]
SessionId = Annotated[strawberry.ID, strawberry.argument(description="The id of one of the viewer's sessions.")]


@strawberry.input(description="A new account.")
class SignUpInput:
    username: str = strawberry.field(description="3 to 40 letters a to z, digits and underscores; seen by everyone.")
    email: str = strawberry.field(description="Up to 254 characters; seen by nobody else. A mail asks to confirm it.")
    password: str = strawberry.field(description="8 to 200 characters, but not the user name or the address.")
    display_name: str | None = strawberry.field(
        default=None, description="The name to show, of 1 to 80 characters; the user name if left out."
    )


@strawberry.input(description="Who wants to come in.")
class LogInInput:
    login: str = strawberry.field(description="The user name, or the confirmed e-mail address, in any case.")
    password: str = strawberry.field(description="The password.")


@strawberry.type(description="What a client needs to act for a user. Both tokens are secrets.")
class NewSession:
    access_token: str = strawberry.field(description="For the header `Authorization: Bearer`.")
    refresh_token: str = strawberry.field(
        description="For `refreshSession`, once: it answers with the next. Good for 30 days, and 90 after the log-in."
    )
    expires_at: datetime = strawberry.field(description="When the access token expires, 15 minutes from now.")

    @level(graphql_type=LazyUser, description="Who is signed in.")
    async def user(made: Rows[SignedIn], info: Info) -> list[models.User | None]:
        return await info.context.loaders.many(loaders.users.by_id, [one.user_id for one in made])

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return isinstance(row, SignedIn)


@strawberry.type(description="What `signUp`, `logIn` and `refreshSession` answer.")
class SessionPayload(MutationPayload):
    @strawberry.field(graphql_type=NewSession | None, description="The tokens; null if there are user errors.")
    def session(outcome: strawberry.Parent[Outcome]) -> SignedIn | None:
        return outcome.made  # type: ignore[no-any-return]


@strawberry.type(description="A sign-in that lasts, on one device.")
class Session:
    @strawberry.field(description="For `revokeSession`.")
    def id(session: strawberry.Parent[models.Session]) -> strawberry.ID:
        return encode("Session", session.id)

    created_at: datetime = strawberry.field(description="When somebody signed in.")
    refreshed_at: datetime = strawberry.field(description="When it was last carried on.")
    expires_at: datetime = strawberry.field(description="When it is over unless it is carried on.")

    @strawberry.field(description="Whether this request is made in it.")
    def is_current(session: strawberry.Parent[models.Session], info: Info) -> bool:
        return session.id == info.context.viewer.session_id

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return is_a(row, models.Session)


@strawberry.type(description="What `logOut` answers.")
class LogOutPayload(MutationPayload):
    """Nothing to show."""


@strawberry.type(description="What `revokeSession` answers.")
class RevokeSessionPayload(MutationPayload):
    @strawberry.field(description="The id of the session that is over.")
    def revoked_id(outcome: strawberry.Parent[Outcome]) -> strawberry.ID | None:
        return outcome.made  # type: ignore[no-any-return]


async def sign_up(info: Info, wanted: SignUpInput) -> Outcome:
    values = (wanted.username, wanted.email, wanted.password, wanted.display_name)
    return await outcome_of(info.context.at_the_desk(signing_in.sign_up, *values))


async def log_in(info: Info, given: LogInInput) -> Outcome:
    return await outcome_of(info.context.at_the_desk(signing_in.log_in, given.login, given.password))


async def refresh(info: Info, refresh_token: str) -> Outcome:
    return await outcome_of(info.context.at_the_desk(signing_in.refresh, refresh_token))


async def log_out(info: Info, refresh_token: str | None) -> Outcome:
    return await performed(info, sessions.log_out, refresh_token)


async def revoke(info: Info, session_id: str) -> Outcome:
    return await performed_on(info, session_id, sessions.revoke, decode_as("Session", session_id))
