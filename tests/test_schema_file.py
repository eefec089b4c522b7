"""`schema.graphql` is what the code serves, and every word of it is described."""

from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    is_specified_scalar_type,
)

from feed_service.schema.schema import printed


def test_the_file_is_what_the_code_prints() -> None:
    assert (Path(__file__).parent.parent / "schema.graphql").read_text() == printed(), "run `make schema`"


def test_everything_is_described() -> None:
    missing = []
    for name, type_ in build_schema(printed()).type_map.items():
        if name.startswith("__") or is_specified_scalar_type(type_):
            continue
        parts = {name: type_.description}
        if isinstance(type_, GraphQLEnumType):
            parts |= {f"{name}.{value}": definition.description for value, definition in type_.values.items()}
        if isinstance(type_, GraphQLInputObjectType):
            parts |= {f"{name}.{field}": definition.description for field, definition in type_.fields.items()}
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            for field, definition in type_.fields.items():
                parts[f"{name}.{field}"] = definition.description
                parts |= {f"{name}.{field}({arg})": a.description for arg, a in definition.args.items()}
        missing += [part for part, description in parts.items() if not description]
    assert not missing


def test_every_connection_takes_the_four_arguments_of_relay() -> None:
    for name, type_ in build_schema(printed()).type_map.items():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            for field, definition in type_.fields.items():
                if str(definition.type).rstrip("!").endswith("Connection"):
                    assert {"first", "after", "last", "before"} <= definition.args.keys(), f"{name}.{field}"
