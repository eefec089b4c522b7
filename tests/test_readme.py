"""What the README shows works as it stands there."""

import json
import re
from pathlib import Path

from tests.accounts.front import front_on
from tests.world import world_on

README = (Path(__file__).parent.parent / "README.md").read_text()


async def test_four_requests_lead_from_sign_up_to_the_first_post(empty_database_url: str) -> None:
    section = README.partition("## From sign-up to the first post")[2].partition("\n## ")[0]
    # curl leaves out the ends of lines, too.
    requests = [json.loads(body.replace("\n", "")) for body in re.findall(r"ask '(.*?)'", section, re.DOTALL)]
    sign_up, follow, create, feed = ((request["query"], request.get("variables", {})) for request in requests)
    (shown,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    async with world_on(empty_database_url) as world, front_on(empty_database_url) as front:
        await world.tag("baking")
        await world.count()
        session = (await front(sign_up[0], **sign_up[1]))["session"]
        for query, variables in (follow, create, create):
            assert (await front(query, session, **variables))["userErrors"] == []
        assert {"feed": await front(feed[0], session)} == json.loads(shown)["data"]
