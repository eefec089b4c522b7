"""From the text of a request to the one operation it runs: parsed, validated and measured once per text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Visitor,
    parse,
    validate,
    visit,
)

from feed_service.bounded import Bounded
from feed_service.errors import BadUserInput, FeedError, QueryTooCostly
from feed_service.execution.limits import Excess, Limits, Measure, check
from feed_service.execution.refusals import MAX_ERRORS, ParseFailed, ValidationFailed

MAX_TOKENS = 2_000
MAX_COMMENTS = 200
MAX_LENGTH = 100_000
MAX_OPERATIONS = 5

MAX_KEPT = 1_000
MAX_KEPT_LENGTH = 20_000
MAX_KEPT_TOTAL = 500_000
"""Characters of all kept documents: a parsed one takes about 120 bytes for each (measured 2026-11-21)."""

SUSPECT = re.compile(r"\x00|\\u0000|\\u\{0+\}|\d{400}")
"""Text that may hold a NUL, which PostgreSQL refuses, or an integer longer than Python reads."""


@dataclass(frozen=True)
class Operation:
    """What `run` takes: a valid document and the operation chosen from it."""

    document: DocumentNode
    definition: OperationDefinitionNode
    name: str | None

    @property
    def is_query(self) -> bool:
        return self.definition.operation is OperationType.QUERY


Checked = DocumentNode | FeedError


class Documents:
    """Prepares documents for `schema` and keeps the results of the latest texts, refusals included."""

    def __init__(self, schema: GraphQLSchema, limits: Limits | None = None) -> None:
        self._schema = schema
        self._limits = limits or Limits()
        self._kept = Bounded[str, Checked](MAX_KEPT, MAX_KEPT_TOTAL)

    def prepare(self, text: str, operation_name: str | None = None) -> Operation:
        """The operation to run.

        Raises:
            ParseFailed: `text` is no GraphQL document, or too long a one.
            ValidationFailed: it does not fit the schema, or `operation_name` does not choose one of its operations.
            QueryTooCostly: it passes one of the limits.
            BadUserInput: it holds a character or number that no field takes.
        """
        checked = self.check(text)
        definition = chosen(checked, operation_name)
        return Operation(checked, definition, definition.name.value if definition.name else None)

    def check(self, text: str) -> DocumentNode:
        """The document, of which an operation may still have to be chosen. Raises as `prepare`."""
        checked = self._checked(text)
        if isinstance(checked, FeedError):
            # A copy: a kept exception would gather, and keep alive, the frames of every request that meets it.
            raise type(checked)(*checked.args)
        return checked

    def _checked(self, text: str) -> Checked:
        checked = self._kept.get(text)
        if checked is not None:
            return checked
        try:
            checked = checked_document(self._schema, text, self._limits)
        except FeedError as refusal:
            checked = refusal
        if len(text) <= MAX_KEPT_LENGTH:
            self._kept.put(text, checked, len(text))
        return checked


def checked_document(schema: GraphQLSchema, text: str, limits: Limits) -> DocumentNode:
    document = parsed(text)
    if SUSPECT.search(text):
        visit(document, Literals())
    check_limits(document, limits)
    errors = validate(schema, document, max_errors=MAX_ERRORS)
    if errors:
        raise ValidationFailed(*errors)
    return document


def parsed(text: str) -> DocumentNode:
    try:
        return parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS, max_source_length=MAX_LENGTH)
    except GraphQLSyntaxError as error:
        raise ParseFailed(error.with_traceback(None)) from None


def check_limits(document: DocumentNode, limits: Limits) -> None:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) > MAX_OPERATIONS:
        raise QueryTooCostly(f"The document has {len(operations)} operations; {MAX_OPERATIONS} are allowed.")
    measure = Measure(fragments_of(document))
    try:
        for operation in operations:
            check(measure.operation(operation), limits)
    except Excess as excess:
        raise QueryTooCostly(str(excess)) from None


def fragments_of(document: DocumentNode) -> Mapping[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def chosen(document: DocumentNode, operation_name: str | None) -> OperationDefinitionNode:
    """graphql-core would run the first of several operations for Strawberry; here the request must name one."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name is None and len(operations) == 1:
        return operations[0]
    if operation_name is None:
        raise ValidationFailed(GraphQLError("Name the operation to run in operationName: the document has several."))
    for operation in operations:
        if operation.name and operation.name.value == operation_name:
            return operation
    raise ValidationFailed(GraphQLError("The document has no operation of the name given in operationName."))


class Literals(Visitor):
    """Refuses literals that no field takes."""

    def enter_string_value(self, node: StringValueNode, *_: Node) -> None:
        if "\x00" in node.value:
            raise BadUserInput("A text in the query holds a NUL character.")

    def enter_int_value(self, node: IntValueNode, *_: Node) -> None:
        if len(node.value) > 20:
            raise BadUserInput("A number in the query has more than 20 digits.")
