"""What execution answers when it does not run an operation: its own errors, each with its code."""

from typing import ClassVar

from graphql import GraphQLError

from feed_service.errors import FeedError

MAX_ERRORS = 5
"""Errors in one answer; the rest is left out, in answers and logs alike."""


class OperationRefused(FeedError):
    """The operation cannot be run: `errors` say where and why. Nothing was executed."""

    http_status = 400

    def __init__(self, *errors: GraphQLError) -> None:
        super().__init__(*errors)
        self.errors = errors

    def __str__(self) -> str:
        return self.errors[0].message


class ParseFailed(OperationRefused):
    """The document is no GraphQL."""

    code: ClassVar[str] = "GRAPHQL_PARSE_FAILED"


class ValidationFailed(OperationRefused):
    """The document does not fit the schema, or does not say which of its operations to run."""

    code: ClassVar[str] = "GRAPHQL_VALIDATION_FAILED"


class VariablesRefused(OperationRefused):
    """The values of the variables, or of arguments made of them, do not fit their types."""

    code: ClassVar[str] = "BAD_USER_INPUT"
