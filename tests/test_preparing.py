"""A database that cannot be served is refused before anything is served, in one sentence without a secret."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import make_url

from feed_service.database import ReadDatabase
from feed_service.database_urls import checked
from feed_service.errors import ConfigurationError
from feed_service.operations.server import Facts, Room, is_ready
from feed_service.pools import Budget
from feed_service.preparing import look, prepare, require_usable
from feed_service.settings import Settings
from tests.scratch import execute

SECRET = "s3cr3t"
TLS_ASKED = (8).to_bytes(4) + (80877103).to_bytes(4)


@asynccontextmanager
async def refusing(state: str, message: str) -> AsyncIterator[str]:
    """The URL of a server that speaks PostgreSQL's protocol as far as to refuse whoever connects."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(8)
        if first == TLS_ASKED:
            writer.write(b"N")
            first = await reader.read(8)
        if first:
            await reader.read(1_000)
            fields = b"".join(
                b"%c%s\0" % pair for pair in [(b"S", b"FATAL"), (b"C", state.encode()), (b"M", message.encode())]
            )
            writer.write(b"E" + (len(fields) + 5).to_bytes(4) + fields + b"\0")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield f"postgresql://ada:{SECRET}@127.0.0.1:{server.sockets[0].getsockname()[1]}/site"


@pytest.mark.parametrize(
    ("state", "message", "said"),
    [
        ("28P01", 'password authentication failed for user "ada"', "refuses the password of ada."),
        ("28000", "no pg_hba.conf entry", "refuses the connection: no pg_hba.conf entry."),
        ("3D000", 'database "site" does not exist', "has no database named site."),
        ("53300", "sorry, too many clients already", "has no connection left: too many are open."),
        ("08P01", "unsupported startup parameter: jit", None),
        ("57P03", "the database system is starting up", "is starting or stopping."),
    ],
)
async def test_why_a_server_refuses_is_said(state: str, message: str, said: str | None) -> None:
    async with refusing(state, message) as url:
        with pytest.raises(ConfigurationError) as caught:
            await look(url)
    where = f"127.0.0.1:{make_url(url).port}"
    pooler = f"A pooler at {where} refuses what this service asks for ({message}): DATABASE_URL must name the server."
    assert str(caught.value) == (f"The server at {where} {said}" if said else pooler)


async def test_a_server_without_tls_is_told_apart() -> None:
    async with refusing("", "") as url:
        with pytest.raises(ConfigurationError, match=r"do not agree on TLS: .* rejected SSL upgrade") as caught:
            await look(checked(f"{url}?sslmode=require"))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1/x", "No PostgreSQL can be reached at 127.0.0.1:1: Connection refused."),
        ("nowhere.invalid/x", "There is no host named nowhere.invalid."),
        ("rest@127.0.0.1/x", "DATABASE_URL must be like"),
        ("127.0.0.1:http/x", "DATABASE_URL must be like"),
        ("127.0.0.1/x?pool=9", "DATABASE_URL has the parameter pool, which is not known."),
        ("/x?host=/nowhere", "No PostgreSQL can be reached at /nowhere: No such file or directory."),
    ],
)
async def test_what_is_wrong_with_an_address_is_said(address: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await look(checked(f"postgresql://ada:{SECRET}@{address}"))
    assert str(caught.value).startswith(said)
    assert not {SECRET, "rest"} & set(str(caught.value).replace("@", " ").split())


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (
            "postgres://ada:a%40b@h/x?sslmode=require&channel_binding=require",
            "postgresql+asyncpg://ada:a%40b@h/x?ssl=require",
        ),
        ("postgresql://ada@h/x", "postgresql://ada@h/x"),
    ],
)
def test_parameters_of_libpq_are_understood(given: str, taken: str) -> None:
    assert checked(given) == taken
    assert checked(taken) == taken


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must begin with postgresql://"),
        ({"CACHE_URL": "memcached://x"}, "CACHE_URL must begin with"),
        ({"FEED_LOGS": "xml"}, "FEED_LOGS must be json or lines."),
        (
            {"FEED_SLOW_STATEMENT_MS": "soon"},
            "FEED_SLOW_STATEMENT_MS must be a number of milliseconds",
        ),
        ({"FEED_POOL_SIZE": "0"}, "FEED_POOL_SIZE must be a number from 1 to"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(variables: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Settings.from_environment(variables)


NOW = Facts(180006, "18.6", is_standby=False, is_read_only=False, revision="0007")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (NOW._replace(version=140013, version_name="14.13"), "is PostgreSQL 14.13; this service needs 15 or newer."),
        (NOW._replace(keeps_settings=False), "A pooler at h:1 drops what this service sets for its connections"),
        (NOW._replace(is_standby=True), "is a standby, which takes no writes: DATABASE_URL must name the primary."),
        (NOW._replace(revision="9999"), "The database is migrated to 9999, and this version of the service knows"),
    ],
)
def test_a_server_that_will_not_do_is_named(found: Facts, said: str) -> None:
    require_usable(NOW, "h:1")
    with pytest.raises(ConfigurationError, match=said):
        require_usable(found, "h:1")


async def test_the_tables_must_be_those_of_this_version(module_database_url: str) -> None:
    """A version that runs goes on while those of the next are there; it does not start on them."""
    reading = ReadDatabase.connect(module_database_url, pool_size=2)
    await prepare(module_database_url, may_migrate=False, demo_wanted=False)
    await asyncio.gather(*(is_ready(reading) for _ in range(3)))
    assert await is_ready(reading), "though each connection has been lent once"
    for revision, word, ready in (("0001", "is not migrated", False), ("9999", "is migrated to 9999", True)):
        await execute(module_database_url, f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608
        assert await is_ready(reading) is ready
        for may_migrate in {False, ready}:
            with pytest.raises(ConfigurationError, match=word):
                await prepare(module_database_url, may_migrate=may_migrate, demo_wanted=False)
    await execute(module_database_url, "DROP TABLE alembic_version")
    assert not await is_ready(reading)
    with pytest.raises(ConfigurationError, match="is not migrated"):
        await prepare(module_database_url, may_migrate=False, demo_wanted=False)
    await reading.close()


async def test_a_database_for_reading_alone_is_refused(bare_database_url: str) -> None:
    name = make_url(bare_database_url).database
    await execute(bare_database_url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with pytest.raises(ConfigurationError, match="lets this user only read"):
        await look(bare_database_url)


async def test_more_connections_than_there_can_be_are_refused(bare_database_url: str) -> None:
    name = make_url(bare_database_url).database
    await execute(bare_database_url, f'ALTER DATABASE "{name}" CONNECTION LIMIT 40')
    budget = Budget(workers=2, pool_size=10, besides=7)
    with pytest.raises(ConfigurationError) as caught:
        await prepare(bare_database_url, may_migrate=False, demo_wanted=False, budget=budget)
    assert str(caught.value) == (
        "2 workers need 54 connections, and the server has 40 (the connection limit of the database): "
        "set FEED_POOL_SIZE to 6 or less, or raise the limit."
    )
    Budget(workers=2, pool_size=6, besides=7).check((await look(bare_database_url))[1])
    with pytest.raises(ConfigurationError, match="start fewer workers"):
        Budget(workers=5, pool_size=6, besides=7).check([Room("x", 40, 0)])


def test_connections_that_others_use_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Budget(workers=1, pool_size=10, besides=7).check([Room("max_connections", 97, 80), Room("role", 27, 0)])
    assert caplog.messages == [
        "1 workers may need 27 connections, and 17 of 97 are free at the moment (max_connections)."
    ]


def test_the_pools_are_those_of_the_settings() -> None:
    of = Settings.from_environment
    assert Budget.of(of({}), 2).needed - Budget.of(of({"FEED_POOL_SIZE": "3"}), 2).needed == 2 * 2 * 7
    assert Budget.of(of({}), 1).besides - Budget.of(of({"FEED_JOBS": "off"}), 1).besides == 4
    for wrong in ("0", "x", "1001", "-1"):
        with pytest.raises(ConfigurationError, match="FEED_POOL_SIZE must be a number from 1 to 1000"):
            of({"FEED_POOL_SIZE": wrong})
