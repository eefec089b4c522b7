"""From a token to its viewer: live people only, as they are at this moment."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from feed_service.accounts import keys as signing
from feed_service.accounts.tokens import Bearer, mint
from feed_service.accounts.viewers import LiveAccounts, user_id_named, viewer_of
from feed_service.database import ReadDatabase
from feed_service.errors import NotFound, Unauthenticated
from feed_service.viewer import Role, Viewer
from tests.reads import noted
from tests.scratch import execute

PEOPLE = """
INSERT INTO users (id, username, display_name, role, suspended_at, deleted_at) OVERRIDING SYSTEM VALUE VALUES
    (1, 'Ann', 'Ann', 'user', NULL, NULL),
    (2, 'mod', 'Mo', 'moderator', NULL, NULL),
    (3, 'paused', 'Pat', 'user', now(), NULL),
    (4, 'gone', 'Guy', 'user', NULL, now())
"""
SESSIONS = """
INSERT INTO sessions (id, user_id, expires_at) OVERRIDING SYSTEM VALUE VALUES
    (11, 1, now() + interval '1 day'),
    (12, 1, now() - interval '1 second'),
    (21, 2, now() + interval '1 day'),
    (31, 3, now() + interval '1 day')
"""
CUT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest_asyncio.fixture
async def database(empty_database_url: str) -> AsyncIterator[ReadDatabase]:
    await execute(empty_database_url, PEOPLE)
    database = ReadDatabase.connect(empty_database_url, pool_size=1)
    yield database
    await database.close()


@pytest.fixture
def live(database: ReadDatabase) -> LiveAccounts:
    return LiveAccounts(database)


@pytest.fixture
def keys(tmp_path: Path) -> signing.SigningKeys:
    return signing.load_or_create(tmp_path / "keys")


def token_of(keys: signing.SigningKeys, user_id: int, session_id: int | None = None) -> str:
    return mint(keys, Bearer(user_id, session_id), lifetime=timedelta(minutes=1), now=datetime.now(UTC))


async def test_a_token_gives_the_viewer_with_the_role_of_now(
    keys: signing.SigningKeys, live: LiveAccounts, empty_database_url: str
) -> None:
    token = token_of(keys, 1)
    assert await viewer_of(keys, live, token) == Viewer(1, Role.USER)
    assert await viewer_of(keys, live, token_of(keys, 2)) == Viewer(2, Role.MODERATOR)
    await execute(empty_database_url, "UPDATE users SET role = 'admin' WHERE id = 1")
    assert await viewer_of(keys, live, token) == Viewer(1, Role.ADMIN)


@pytest.mark.parametrize("user_id", [3, 4, 5, 2**63 - 1])
async def test_the_token_of_somebody_who_is_gone_is_refused(
    keys: signing.SigningKeys, live: LiveAccounts, user_id: int
) -> None:
    with pytest.raises(Unauthenticated):
        await viewer_of(keys, live, token_of(keys, user_id))


async def test_a_token_ends_with_its_session(
    keys: signing.SigningKeys, live: LiveAccounts, empty_database_url: str
) -> None:
    await execute(empty_database_url, SESSIONS)
    token = token_of(keys, 1, 11)
    assert await viewer_of(keys, live, token) == Viewer(1, Role.USER, 11)
    for user_id, session_id in [(1, 12), (1, 13), (1, 21), (2, 11), (3, 31)]:
        with pytest.raises(Unauthenticated, match="not there any more"):
            await viewer_of(keys, live, token_of(keys, user_id, session_id))
    await execute(empty_database_url, "DELETE FROM sessions WHERE id = 11")
    with pytest.raises(Unauthenticated):
        await viewer_of(keys, live, token)
    assert await viewer_of(keys, live, token_of(keys, 1)) == Viewer(1, Role.USER)


async def test_a_viewer_takes_one_statement(
    keys: signing.SigningKeys, live: LiveAccounts, empty_database_url: str
) -> None:
    await execute(empty_database_url, SESSIONS)
    statements = noted(live.database)
    await viewer_of(keys, live, token_of(keys, 1))
    for token in (token_of(keys, 1), token_of(keys, 1, 11)):
        statements.clear()
        await viewer_of(keys, live, token)
        assert len(statements) == 1, statements


async def test_one_statement_asks_for_all_who_came_before_it(
    keys: signing.SigningKeys, live: LiveAccounts, empty_database_url: str
) -> None:
    await execute(empty_database_url, SESSIONS)
    bearers = [(1, None), (1, 11), (1, 12), (1, 21), (2, 21), (2, None), (3, 31), (5, None), (1, 11)]
    await viewer_of(keys, live, token_of(keys, 1))
    statements = noted(live.database)
    await execute(empty_database_url, CUT)
    asked = [viewer_of(keys, live, token_of(keys, *bearer)) for bearer in bearers]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [viewer if isinstance(viewer, Viewer) else type(viewer) for viewer in found] == [
        Viewer(1, Role.USER), Viewer(1, Role.USER, 11), Unauthenticated, Unauthenticated,
        Viewer(2, Role.MODERATOR, 21), Viewer(2, Role.MODERATOR), Unauthenticated, Unauthenticated,
        Viewer(1, Role.USER, 11),
    ]  # fmt: skip
    assert len([text for text in statements if "users" in text]) == 1, statements


async def test_who_gives_up_waiting_takes_nobody_along(keys: signing.SigningKeys, live: LiveAccounts) -> None:
    first, second = [asyncio.ensure_future(viewer_of(keys, live, token_of(keys, number))) for number in (1, 2)]
    await asyncio.sleep(0)
    first.cancel()
    assert await second == Viewer(2, Role.MODERATOR)
    assert await viewer_of(keys, live, token_of(keys, 1)) == Viewer(1, Role.USER)


async def test_a_viewer_is_known_although_all_connections_were_cut_off(
    keys: signing.SigningKeys, live: LiveAccounts, empty_database_url: str
) -> None:
    token = token_of(keys, 1)
    for _ in range(3):
        viewers = await asyncio.gather(*(viewer_of(keys, live, token) for _ in range(20)))
        assert viewers == [Viewer(1, Role.USER)] * 20
        await execute(empty_database_url, CUT)


async def test_a_user_is_found_by_name_in_any_case(database: ReadDatabase) -> None:
    assert await user_id_named(database, "aNN") == 1
    for name in ("paused", "gone", "nobody", ""):
        with pytest.raises(NotFound, match="There is no user"):
            await user_id_named(database, name)
