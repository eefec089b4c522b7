"""What mutations answer with: the changed object, what a user can put right, and a token for what was written."""

import logging
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, TypeVar

import strawberry
from sqlalchemy.exc import SQLAlchemyError

from feed_service.commands.transaction import Command
from feed_service.errors import FeedError, Invalid, ManyRefused, Refused, VersionConflict
from feed_service.schema.context import Info
from feed_service.schema.enums import UserErrorCode
from feed_service.schema.scalars import ConsistencyToken

log = logging.getLogger(__name__)

Value = TypeVar("Value")
Of = Annotated[Value, strawberry.argument(description="What is wanted.")]
"""The type of the one argument `input` of a mutation."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Told:
    """The row of a user error: GraphQL would raise an exception that it finds as a value."""

    refusal: Refused


@strawberry.interface(description="Something a user can understand or put right; nothing was written for it.")
class UserError:
    @strawberry.field(description="For programs.")
    def code(error: strawberry.Parent[Told]) -> UserErrorCode:
        return error.refusal.reason

    @strawberry.field(description="For people, in English.")
    def message(error: strawberry.Parent[Told]) -> str:
        return str(error.refusal)

    @strawberry.field(name="field", description="Where in the input it lies; null for the whole.")
    def path(error: strawberry.Parent[Told]) -> list[str] | None:
        return list(error.refusal.field) or None


def is_mismatch(refusal: Refused) -> bool:
    return refusal.reason is UserErrorCode.IDEMPOTENCY_MISMATCH


@strawberry.type(name="ValidationError", description="A value that breaks a rule.")
class ValidationErrorType(UserError):
    @strawberry.field(description="The rule, as `max=200`.")
    def constraint(error: strawberry.Parent[Told]) -> str:
        return error.refusal.constraint  # type: ignore[attr-defined, no-any-return]

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return isinstance(row, Told) and isinstance(row.refusal, Invalid)


@strawberry.type(name="VersionConflict", description="Somebody has edited it since the version that was expected.")
class VersionConflictType(UserError):
    @strawberry.field(description="The version it has now.")
    def current(error: strawberry.Parent[Told]) -> int:
        return error.refusal.current  # type: ignore[attr-defined, no-any-return]

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return isinstance(row, Told) and isinstance(row.refusal, VersionConflict)


@strawberry.type(name="IdempotencyMismatch", description="The idempotency key stands for another input already.")
class IdempotencyMismatchType(UserError):
    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return isinstance(row, Told) and is_mismatch(row.refusal)


@strawberry.type(name="Refusal", description="Anything else that cannot be done.")
class RefusalType(UserError):
    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return isinstance(row, Told) and type(row.refusal) is Refused and not is_mismatch(row.refusal)


ERROR_TYPES = [ValidationErrorType, VersionConflictType, IdempotencyMismatchType, RefusalType]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The row of every payload: what the command answered, or why it was refused."""

    made: Any = None
    errors: tuple[Told, ...] = ()


@strawberry.interface(description="What every mutation answers with.")
class MutationPayload:
    @strawberry.field(
        graphql_type=list[UserError],
        description="What kept it from being written; empty if all is well. Mutations of many things may do a part.",
    )
    def user_errors(outcome: strawberry.Parent[Outcome]) -> Iterable[Told]:
        return outcome.errors

    @strawberry.field(
        description="What was written, to be sent as the header Feed-Consistency: answers are then at least as new. "
        "Null if nothing was written, and also when the database is too busy to tell how far it has come."
    )
    async def consistency_token(outcome: strawberry.Parent[Outcome], info: Info) -> ConsistencyToken | None:
        # With errors, something was written if a mutation of many things says what it made.
        is_refused = bool(outcome.errors) and outcome.made is None
        if is_refused:
            return None
        try:
            return ConsistencyToken(await info.context.consistency_token())
        except (FeedError, SQLAlchemyError, OSError) as error:
            # An error here would be taken for one of the mutation, which is done.
            log.warning("A mutation is answered without its consistencyToken: %s", type(error).__name__)
            return None

    @classmethod
    def is_type_of(cls, row: object, _info: Any) -> bool:  # noqa: ANN401 - GraphQL's own info.
        return isinstance(row, Outcome)


@strawberry.type(description="What deletions answer.")
class DeletePayload(MutationPayload):
    @strawberry.field(description="The id of what is deleted now.")
    def deleted_id(outcome: strawberry.Parent[Outcome]) -> strawberry.ID | None:
        return outcome.made  # type: ignore[no-any-return]


async def performed(
    info: Info, command: Command[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Outcome:
    """Run a command; what it refuses becomes the payload's `userErrors`."""
    return await outcome_of(info.context.write(command, *args, **kwargs))


async def performed_on(
    info: Info,
    made: object,
    command: Command[Arguments, Any],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Outcome:
    """As `performed`, for a command that answers nothing: the payload is about `made`, unless it was refused."""
    outcome = await performed(info, command, *args, **kwargs)
    return outcome if outcome.errors else Outcome(made)


async def outcome_of(work: Awaitable[Any]) -> Outcome:
    try:
        return Outcome(await work)
    except Refused as refusal:
        return Outcome(errors=(Told(refusal),))
    except ManyRefused as refusals:
        return Outcome(errors=tuple(Told(refusal) for refusal in refusals.refusals))
