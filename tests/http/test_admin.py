"""`/admin`: for administrators alone, and everything that the operator's rooms find, in one typed schema."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from feed_service.database import create_engine
from feed_service.http.graphiql import examples
from tests.http.test_logs import SIGN_UP

PASSWORD = "flour, water, salt, time"


async def signed_up(url: str, database_url: str, name: str, role: str) -> dict[str, str]:
    """The headers of somebody new."""
    given = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    answer = httpx2.post(f"{url}/graphql", json={"query": SIGN_UP, "variables": {"input": given}}).json()
    engine = create_engine(database_url, pool_size=1)
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE users SET role = :role WHERE username = :name"), {"role": role, "name": name}
        )
    await engine.dispose()
    return {"Authorization": f"Bearer {answer['data']['signUp']['session']['accessToken']}"}


def ask(url: str, headers: dict[str, str], query: str) -> Any:  # noqa: ANN401 - JSON.
    return httpx2.post(f"{url}/admin", json={"query": query}, headers=headers, timeout=20).json()


@pytest.mark.parametrize("role", ["user", "moderator"])
async def test_nobody_but_an_administrator_gets_in(real_url: str, database_url: str, role: str) -> None:
    headers = await signed_up(real_url, database_url, f"no_{role}", role)
    for query in ("{ jobs { work { kind } } }", "{ __schema { queryType { name } } }", "{ auditLo }"):
        assert [error["extensions"]["code"] for error in ask(real_url, headers, query)["errors"]] == ["FORBIDDEN"]
        assert [error["extensions"]["code"] for error in ask(real_url, {}, query)["errors"]] == ["UNAUTHENTICATED"]


async def test_every_example_is_answered_and_an_administrator_sees_all(real_url: str, database_url: str) -> None:
    headers = await signed_up(real_url, database_url, "root_of_all", "admin")
    for query in examples(of="admin"):
        answer = ask(real_url, headers, query)
        codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
        # The server of the tests does not count statements.
        assert codes <= {"NOT_KNOWN"}, answer
    tables = ask(real_url, headers, "{ tableSizes { tables { title totalBytes rows } } }")["data"]["tableSizes"][
        "tables"
    ]
    assert {"users", "audit_events"} <= {table["title"].rpartition(".")[2] for table in tables}
    explained = ask(
        real_url, headers,
        '{ explainOperation(document: "query Looked { viewer { user { username } } }", asUser: "root_of_all") { '
        "viewer statements { name verdicts { kind } plan { root } } } }",
    )["data"]["explainOperation"]  # fmt: skip
    assert explained["viewer"] == "root_of_all"
    assert explained["statements"][0]["plan"]["root"]["kind"]
    assert "Looked" not in httpx2.get(f"{real_url}/metrics").text, "what is explained is not served"
    nobody = "VXNlcjo5OTk5OTk"  # User:999999
    query = f'{{ engagement(of: AUTHORS, ids: ["{nobody}"], window: DAYS_7) {{ id engagement {{ likeCount }} }} }}'
    assert ask(real_url, headers, query)["data"]["engagement"] == [{"id": nobody, "engagement": {"likeCount": 0}}]
    trail = ask(real_url, headers, '{ auditLog(subjectKind: "user", subjectId: 1, first: 5) }')["data"]["auditLog"]
    assert all(event["subject_kind"] == "user" for event in trail)


async def test_bad_questions_are_the_clients(real_url: str, database_url: str) -> None:
    headers = await signed_up(real_url, database_url, "root_of_few", "admin")
    for query in (
        "{ report(minutes: 0) { at } }",
        '{ engagement(of: TAGS, ids: ["VXNlcjox"], window: DAYS_7) { id } }',
        "{ auditLog(first: 5) }",
        '{ explainOperation(document: "mutation { logOut { userErrors { code } } }") { seconds } }',
    ):
        (error,) = ask(real_url, headers, query)["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT", error
