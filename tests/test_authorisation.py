"""Who may write what: every mutation, asked by everybody. What is refused leaves every row as it was.

Only attempts at guessing are counted whatever comes of them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import pytest_asyncio
from graphql import GraphQLObjectType, build_schema
from sqlalchemy import text

from feed_service import models
from feed_service.accounts.bearer_secrets import hash_of
from feed_service.schema.ids import encode
from feed_service.schema.schema import printed
from feed_service.viewer import Role, Viewer
from tests.api import Api, Refused, api_on, global_id
from tests.authorisation import PASSWORD, ROLES, TABLE
from tests.world import NEVER, World, world_on

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOW = datetime.now(UTC)
TABLES = [table.name for table in models.Base.metadata.sorted_tables]
MUTATIONS = cast("GraphQLObjectType", build_schema(printed()).type_map["Mutation"])


@dataclass
class Scene:
    """`owner` has made everything; `blocked` is blocked by them. `$name` in the table stands for `values[name]`."""

    api: Api
    world: World
    viewers: dict[str, Viewer]
    values: dict[str, Any]

    def given(self, value: Any) -> Any:  # noqa: ANN401 - JSON.
        if isinstance(value, dict):
            return {name: self.given(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.given(one) for one in value]
        return self.values[value[1:]] if isinstance(value, str) and value.startswith("$") else value

    async def answer(self, mutation: str, arguments: dict[str, Any], role: str) -> str:
        """`done`, or the codes of the errors."""
        try:
            (payload,) = (await self.api(document_of(mutation), self.viewers[role], **self.given(arguments))).values()
        except Refused as refusal:
            return " ".join(refusal.codes)
        return " ".join(error["code"] for error in payload["userErrors"]) or "done"

    async def save(self) -> None:
        await self.run("CREATE SCHEMA saved", *(f"CREATE TABLE saved.{name} AS TABLE {name}" for name in TABLES))

    async def restore(self) -> None:
        """No trigger and no foreign key is asked: what was there was right."""
        rows = [f"DELETE FROM {name}; INSERT INTO {name} TABLE saved.{name}" for name in TABLES]  # noqa: S608
        await self.run("; ".join(["SET session_replication_role = replica", *rows, "RESET session_replication_role"]))

    async def run(self, *statements: str) -> None:
        async with self.world.engine.begin() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None
            await driver.execute("; ".join(statements))

    async def fingerprint(self) -> dict[str, str]:
        parts = " UNION ALL ".join(
            f"SELECT '{name}' AS name, md5(string_agg(t::text, ',' ORDER BY t::text)) AS digest FROM {name} t"  # noqa: S608
            for name in TABLES
            if name != models.AttemptCount.__tablename__
        )
        async with self.world.engine.connect() as connection:
            return {row.name: row.digest for row in await connection.execute(text(parts))}


def document_of(mutation: str) -> str:
    arguments = MUTATIONS.fields[mutation].args
    variables = ", ".join(f"${name}: {argument.type}" for name, argument in arguments.items())
    passed = ", ".join(f"{name}: ${name}" for name in arguments)
    brackets = (f"({variables})", f"({passed})") if arguments else ("", "")
    return f"mutation {brackets[0]} {{ {mutation}{brackets[1]} {{ userErrors {{ code }} }} }}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(module_database_url: str) -> AsyncIterator[Scene]:
    async with world_on(module_database_url) as world, api_on(module_database_url) as api:
        scene = await filled(world, api)
        await scene.save()
        yield scene


async def filled(world: World, api: Api) -> Scene:
    people = {role: await world.user(role, role=Role(role) if role in set(Role) else Role.USER) for role in ROLES[1:]}
    people |= {"friend": await world.user("friend"), "suspended": await world.user("suspended", suspended_at=NOW)}
    password_hash = await api.desk.passwords.hashed(PASSWORD)
    for name, user in people.items():
        email = f"{name}@example.org"
        await world.add(models.Account(user_id=user.id, email=email, email_key=email, password_hash=password_hash))
    owner, moderator = people["owner"], people["moderator"]
    sessions = {
        role: await world.add(models.Session(user_id=people[role].id, expires_at=NOW + timedelta(days=1)))
        for role in ROLES[1:]
    }
    await world.add(models.RefreshToken(hash=hash_of("refresh"), session_id=sessions["owner"].id))
    for purpose in ("confirm", "reset"):
        await world.add(
            models.MailedToken(
                hash=hash_of(purpose), purpose=purpose, user_id=owner.id, email_key="owner@example.org",
                expires_at=NOW + timedelta(hours=1),
            )
        )  # fmt: skip
    tag = await world.tag("bread")
    tomorrow = NOW + timedelta(days=1)
    posts = {
        "post": await world.post(owner, tags=(tag,)),
        "draft": await world.post(owner, at=NEVER),
        "scheduled": await world.post(owner, at=tomorrow, status="scheduled"),
        "deletedPost": await world.post(owner, deleted_at=NOW, deleted_by_id=owner.id),
        "moderatedPost": await world.post(owner, deleted_at=NOW, deleted_by_id=moderator.id),
    }
    comments = {
        "comment": await world.comment(owner, posts["post"]),
        "deletedComment": await world.comment(owner, posts["post"], deleted_at=NOW, deleted_by_id=owner.id),
        "moderatedComment": await world.comment(owner, posts["post"], deleted_at=NOW, deleted_by_id=moderator.id),
    }
    collection = await world.add(models.BookmarkCollection(user_id=owner.id, name="Later"))
    await world.block(owner, people["blocked"])
    await world.count()
    values = {name: global_id(row) for name, row in (people | posts | comments).items()}
    values |= {"session": encode("Session", sessions["owner"].id), "tomorrow": tomorrow.isoformat()}
    values["collection"] = encode("BookmarkCollection", collection.id)
    viewers = {"anonymous": Viewer()} | {
        role: Viewer(people[role].id, Role(people[role].role), sessions[role].id) for role in ROLES[1:]
    }
    return Scene(api, world, viewers, values)


async def test_every_mutation_is_in_the_table() -> None:
    assert {mutation for mutation, _, _ in TABLE} == set(MUTATIONS.fields)


@pytest.mark.parametrize(("mutation", "arguments", "answers"), TABLE)
async def test_who_may_do_it(scene: Scene, mutation: str, arguments: dict[str, Any], answers: str) -> None:
    before, found = await scene.fingerprint(), {}
    for role in ROLES:
        found[role] = await scene.answer(mutation, arguments, role)
        after = await scene.fingerprint()
        await scene.restore()
        if found[role] != "done":
            assert after == before, role
    assert found == dict(zip(ROLES, answers.split(), strict=True))
