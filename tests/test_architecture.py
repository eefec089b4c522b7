"""The house keeps its floors: imports only go down, without cycles, and each library stays in its room."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from feed_service import models

PACKAGE = Path(__file__).parent.parent / "feed_service"

FLOORS = [
    {
        "cli",
        "cli_accounts",
        "cli_bulk",
        "cli_engagement",
        "cli_database",
        "cli_explain",
        "cli_jobs",
        "cli_numbers",
        "cli_partitions",
        "cli_report",
        "cli_upkeep",
        "draining",
        "explained",
        "footprint",
        "logs",
        "tracing",
        "pools",
        "preparing",
        "resources",
        "serving",
        "admin",
        "app",
        "settings",
    },
    {"http"},
    {"schema", "execution", "jobs"},
    {"loaders", "commands", "polling", "imports", "exports", "embedded", "operations"},
    {"accounts"},
    {"queries", "cache"},
    {"models"},
    {
        "bounded",
        "database",
        "database_urls",
        "errors",
        "exposition",
        "fingerprints",
        "gates",
        "markdown",
        "metering",
        "migrations",
        "observability",
        "paging",
        "reasons",
        "rows",
        "running",
        "slugs",
        "statements",
        "stopping",
        "transactions",
        "viewer",
        "vocabulary",
        "watching",
        "worker_metrics",
    },
]
"""From the roof down. Rooms on one floor do not know each other; the roof and the ground are single files."""

SINGLE_FILES = (0, len(FLOORS) - 1)

ROOMS_OF = {
    "strawberry": {"schema", "execution"},
    "aiodataloader": {"loaders"},
    "aiocache": {"cache", "app"},
    "redis": {"cache", "app"},
    "starlette": {"http", "app"},
    "uvicorn": {"draining", "serving"},
    "click": {
        "cli",
        "cli_accounts",
        "cli_bulk",
        "cli_engagement",
        "cli_explain",
        "cli_jobs",
        "cli_numbers",
        "cli_partitions",
        "cli_report",
        "cli_upkeep",
    },
    "alembic": {"migrations"},
    "jwt": {"accounts"},
    "asyncpg": {"database", "rows", "transactions"},
    "prometheus_client": {"exposition", "observability", "worker_metrics"},
}
"""Libraries that only these rooms import."""

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "node_modules" not in path.parts)


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> int:
    room = module.split(".")[1]
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def imports(path: Path) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    known = {name_of(other) for other in MODULES}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node, inner if inner in known else node.module


def ours(path: Path) -> list[str]:
    return [name for _, name in imports(path) if name.startswith("feed_service.")]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_only_go_down(path: Path) -> None:
    me = name_of(path)
    if me == "feed_service":
        return
    floor, room = floor_of(me), me.split(".")[1]
    for other in ours(path):
        same_place = other.split(".")[1] == room or (floor in SINGLE_FILES and floor_of(other) == floor)
        assert floor_of(other) > floor or same_place, f"{me} imports {other}, which is not below it"


def test_a_process_that_serves_leaves_commands_and_migrations_alone() -> None:
    """They would take 20 of its 90 MB."""
    code = "import sys, feed_service.serving; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    assert "feed_service.app" in found
    ours = {"feed_service.cli", "feed_service.preparing", "feed_service.imports", "feed_service.embedded.postgres"}
    assert not {"alembic", "mako", *ours} & set(found)
    of_tracing = ("opentelemetry", "google.protobuf", "requests", "feed_service.tracing")
    assert not [name for name in found if name.startswith(of_tracing)], "it traces nothing"
    assert "feed_service.admin" not in found, "nobody has asked for it"


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {name_of(path): set(ours(path)) for path in MODULES}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, f"a cycle: {' -> '.join([*way, module])}"
        if module not in done:
            for other in graph.get(module, ()):
                visit(other, (*way, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_library_stays_in_its_room(path: Path) -> None:
    me = name_of(path)
    for _, other in imports(path):
        rooms = ROOMS_OF.get(other.split(".")[0])
        assert rooms is None or me.split(".")[1] in rooms, f"{me} imports {other}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_stand_at_the_top(path: Path) -> None:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = [
        node for function in functions for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inner, f"{name_of(path)} imports inside a function, line {inner[0].lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_settings_and_the_server_touch_the_environment(path: Path) -> None:
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    if name_of(path) not in {"feed_service.settings", "feed_service.serving"}:
        assert "environ" not in names
        assert "getenv" not in names


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_stay_readable(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300, "split it by what readers look for"


INDEXES = sorted(
    (index for table in models.Base.metadata.sorted_tables for index in table.indexes),
    key=lambda index: str(index.name),
)


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: str(index.name))
def test_every_index_names_the_query_that_needs_it(index: object) -> None:
    serves: str = index.info["serves"]  # type: ignore[attr-defined]
    if serves != "foreign key":
        module, function = serves.split(".")
        assert hasattr(import_module(f"feed_service.queries.{module}"), function), f"there is no queries.{serves}"


def test_no_counter_is_indexed_where_it_is_counted() -> None:
    counted = {name: table for name, table in models.Base.metadata.tables.items() if name.endswith("_stats")}
    assert len(counted) == 4
    for table in counted.values():
        for index in table.indexes:
            assert not {column.name for column in index.columns} - {column.name for column in table.primary_key}
