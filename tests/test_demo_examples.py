"""The examples of GraphiQL work on the demo set, with answers in every one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from feed_service import models
from feed_service.database import create_engine
from feed_service.imports.demo import load_demo
from tests.api import api_on

EXAMPLES = sorted((Path(__file__).parent.parent / "feed_service/http/assets/examples").glob("*.graphql"))


def has_items(found: Any) -> bool:  # noqa: ANN401 - JSON.
    """Whether every list of the first two levels of lists holds something; there are no user errors."""
    if isinstance(found, dict):
        return not found.get("userErrors") and all(
            has_items(value) for name, value in found.items() if name != "userErrors"
        )
    return bool(found) if isinstance(found, list) else True


@pytest.mark.asyncio(loop_scope="session")
async def test_every_example_has_an_answer_on_the_demo_set(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url, pool_size=2)
    await load_demo(engine, datetime.now(UTC))
    async with AsyncSession(engine, expire_on_commit=False) as session:
        demo = (await session.scalars(select(models.User).where(models.User.username == "demo"))).one()
    await engine.dispose()
    assert len(EXAMPLES) == 8
    async with api_on(empty_database_url) as api:
        for example in EXAMPLES:
            found = await api(example.read_text(), demo)
            assert has_items(found), f"{example.name} finds nothing"
