"""From the text of a document to an operation that may run; texts that were seen before are not parsed again."""

from collections import OrderedDict
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)

from feed_service.errors import BadUserInput, FeedError
from feed_service.execution import limits

MAX_DOCUMENTS = 1_000
MAX_REMEMBERED_CHARS = 20_000
MAX_VALIDATION_ERRORS = 5


class ParseFailed(FeedError):
    """The text is not GraphQL."""

    code = "GRAPHQL_PARSE_FAILED"
    http_status = 400


class ValidationFailed(FeedError):
    """The document does not fit the schema."""

    code = "GRAPHQL_VALIDATION_FAILED"
    http_status = 400


class RequestError(Exception):
    """The request cannot be run at all: its errors, each caused by a FeedError."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


@dataclass(frozen=True)
class Operation:
    """One operation of a valid document within the limits."""

    document: DocumentNode
    node: OperationDefinitionNode

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name else None

    @property
    def is_query(self) -> bool:
        return self.node.operation is OperationType.QUERY


class Documents:
    """Valid documents by their text, those used longest ago forgotten first."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[str, DocumentNode] = OrderedDict()

    def operation(self, text: str, name: str | None) -> Operation:
        """The operation `name` of the document, or its only one.

        Raises:
            RequestError: the document is wrong or too large, or it is not clear which operation is meant.
        """
        return chosen(self._document(text), name)

    def _document(self, text: str) -> DocumentNode:
        if text in self._known:
            self._known.move_to_end(text)
            return self._known[text]
        document = self._checked(text)
        if len(text) <= MAX_REMEMBERED_CHARS:
            self._known[text] = document
            if len(self._known) > MAX_DOCUMENTS:
                self._known.popitem(last=False)
        return document

    def _checked(self, text: str) -> DocumentNode:
        try:
            document = parse(text, max_tokens=limits.MAX_TOKENS)
        except GraphQLSyntaxError as error:
            raise RequestError([caused_by(ParseFailed(error.message), error)]) from error
        errors = validate(self._schema, document, max_errors=MAX_VALIDATION_ERRORS)
        if errors:
            raise RequestError([caused_by(ValidationFailed(error.message), error) for error in errors])
        try:
            limits.check(document)
        except FeedError as error:
            raise refused(error) from error
        return document


def chosen(document: DocumentNode, name: str | None) -> Operation:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    named = [node for node in operations if name is None or (node.name and node.name.value == name)]
    if len(named) == 1:
        return Operation(document, named[0])
    if not operations:
        raise refused(BadUserInput("The document holds no operation."))
    if name is None:
        raise refused(BadUserInput("The document holds several operations; operationName must say which one to run."))
    raise refused(BadUserInput("The document holds no operation of the name given as operationName."))


def refused(error: FeedError) -> RequestError:
    return RequestError([GraphQLError(str(error), original_error=error)])


def caused_by(cause: FeedError, error: GraphQLError) -> GraphQLError:
    """`error`, at its place in the document, with `cause` as what it is."""
    return GraphQLError(
        error.message, nodes=error.nodes, source=error.source, positions=error.positions, original_error=cause
    )
