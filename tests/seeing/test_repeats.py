"""N+1: who runs a statement for each row is told which field it is; nothing of the schema does."""

import pytest

from feed_service.metering import REPEATS
from tests.seeing.small import site_on

MANY = REPEATS + 1


@pytest.mark.parametrize("is_compiled", [True, False])
@pytest.mark.parametrize("field", ["twice", "doubled"])
async def test_a_statement_for_each_row_is_found_with_its_field(
    database_url: str, repeated: list[str], field: str, *, is_compiled: bool
) -> None:
    async with site_on(database_url, is_compiled=is_compiled) as site:
        answer = await site.ask(f"query Planted {{ all: things(first: {MANY}) {{ number {field} }} }}")
        (tally,) = site.meters.statements.values()
    assert answer.errors == []
    found = {"statement": tally.name, "path": f"all.{field}", "times": MANY}
    assert answer.extensions == {"repeated": [found]}
    assert repeated == [f"N+1: Planted runs {tally.name} {MANY} times for all.{field}."]
    assert site.meters.repeats == {("Planted", tally, f"all.{field}"): 1}
    repeated.clear()


@pytest.mark.parametrize("text", ["{ things(first: 50) { batched } }", f"{{ things(first: {REPEATS}) {{ twice }} }}"])
async def test_a_batch_is_none_nor_are_a_few(database_url: str, text: str) -> None:
    async with site_on(database_url) as site:
        answer = await site.ask(text)
    assert (answer.extensions, dict(site.meters.repeats)) == (None, {})


async def test_in_production_it_is_a_metric_only(database_url: str, repeated: list[str]) -> None:
    async with site_on(database_url, is_development=False) as site:
        answer = await site.ask(f"{{ things(first: {MANY}) {{ twice }} }}")
    assert (answer.extensions, repeated) == (None, [])
    assert [path for _, _, path in site.meters.repeats] == ["things.twice"]


@pytest.mark.parametrize("is_development", [True, False])
async def test_several_writes_are_not_one_for_each_row(database_url: str, *, is_development: bool) -> None:
    async with site_on(database_url, is_development=is_development) as site:
        answer = await site.ask("mutation { " + " ".join(f"a{n}: write {{ number }}" for n in range(MANY)) + " }")
    assert (answer.errors, dict(site.meters.repeats)) == ([], {})


async def test_names_are_bounded_however_long_clients_make_them(database_url: str) -> None:
    async with site_on(database_url) as site:
        await site.ask(f"query {'Long' * 100} {{ things(first: 1) {{ number }} }}")
    assert list(map(len, site.meters.operations)) == [100]
