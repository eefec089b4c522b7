"""What people do with their own account, and moderators with those of others."""

from typing import Annotated, Any

import strawberry

from feed_service import loaders, models
from feed_service.accounts import rules
from feed_service.commands import moderation, profiles, signing_in
from feed_service.schema.context import Info
from feed_service.schema.ids import decode_as
from feed_service.schema.lazy import LazyUser
from feed_service.schema.payloads import MutationPayload, Outcome, outcome_of, performed_on

UserId = Annotated[strawberry.ID, strawberry.argument(description="The id of a user.")]
Email = Annotated[str, strawberry.argument(description="The e-mail address.")]
MailedToken = Annotated[str, strawberry.argument(description="The token from the mail.")]
Reason = Annotated[str, strawberry.argument(description="Why, for the audit trail: 1 to 1,000 characters.")]


@strawberry.input(description="What shall change. What is left out stays; null empties.")
class UpdateProfileInput:
    display_name: str | None = strawberry.field(default=strawberry.UNSET, description="1 to 80 characters; not null.")
    bio: str | None = strawberry.field(default=strawberry.UNSET, description="Up to 1,000 characters of CommonMark.")
    avatar_url: str | None = strawberry.field(
        default=strawberry.UNSET, description="An address that begins with https://, of up to 2,000 characters."
    )


@strawberry.input(description="The old password and the new one.")
class ChangePasswordInput:
    current: str = strawberry.field(description="The password as it is.")
    new: str = strawberry.field(description="8 to 200 characters, but not the user name or the address.")


@strawberry.input(description="A new password for whoever got the mail.")
class ResetPasswordInput:
    token: str = strawberry.field(description="The token from the mail, good once and for an hour.")
    password: str = strawberry.field(description="8 to 200 characters, but not the user name or the address.")


@strawberry.type(description="What mutations of one user answer.")
class UserPayload(MutationPayload):
    @strawberry.field(graphql_type=LazyUser | None, description="The user as they are now.")
    async def user(outcome: strawberry.Parent[Outcome], info: Info) -> models.User | None:
        if outcome.made is None:
            return None
        return await info.context.loaders.load(loaders.users.by_id, outcome.made)


@strawberry.type(description="What mutations of passwords and addresses answer, whether there is somebody or not.")
class AccountPayload(MutationPayload):
    """Nothing to show."""


async def update_profile(info: Info, given: UpdateProfileInput) -> Outcome:
    return await outcome_of(changed_profile(info, given))


async def changed_profile(info: Info, given: UpdateProfileInput) -> int | None:
    """The id of the viewer. Raises ManyRefused for values that break a rule."""
    form, changes = rules.Form(), {}
    fields: list[tuple[str, str, Any, Any]] = [
        ("displayName", "display_name", rules.display_name, given.display_name),
        ("bio", "bio", rules.bio, given.bio),
        ("avatarUrl", "avatar_url", rules.avatar_url, given.avatar_url),
    ]
    for name, column, rule, value in fields:
        if value is not strawberry.UNSET:
            changes[column] = form.field(name, rule, value)
    form.check()
    await info.context.write(profiles.update_profile, changes)
    return info.context.viewer.user_id


async def change_password(info: Info, given: ChangePasswordInput) -> Outcome:
    return await outcome_of(info.context.at_the_desk(signing_in.change_password, given.current, given.new))


async def request_password_reset(info: Info, email: str) -> Outcome:
    return await outcome_of(info.context.at_the_desk(signing_in.request_password_reset, email))


async def reset_password(info: Info, given: ResetPasswordInput) -> Outcome:
    return await outcome_of(info.context.at_the_desk(signing_in.reset_password, given.token, given.password))


async def request_confirmation(info: Info) -> Outcome:
    return await outcome_of(info.context.at_the_desk(signing_in.request_confirmation))


async def confirm_email(info: Info, token: str) -> Outcome:
    return await outcome_of(info.context.at_the_desk(signing_in.confirm_email, token))


async def suspend(info: Info, global_id: str, reason: str) -> Outcome:
    user_id = decode_as("User", global_id)
    return await performed_on(info, user_id, moderation.suspend_user, user_id, reason)


async def restore(info: Info, global_id: str) -> Outcome:
    user_id = decode_as("User", global_id)
    return await performed_on(info, user_id, moderation.restore_user, user_id)
