"""Which generation of a ranked list a page was read from."""

from datetime import datetime

import strawberry

from feed_service.loaders.rankings import Snapshot


@strawberry.type(
    description="A ranked list of up to 1,000 posts as it was at one moment, the same for everybody: pages read from "
    "it neither repeat nor skip a post, whatever people do meanwhile. A post that is hidden goes missing at once."
)
class RankingSnapshot:
    generation: str = strawberry.field(description="What it is called; a later one has the greater name.")
    as_of: datetime = strawberry.field(description="When the list was made.")
    expires_at: datetime = strawberry.field(description="Until when its cursors are good.")
    restarted: bool = strawberry.field(
        description="Whether the cursor's own list is lost, so that this is the first page of the current one: "
        "it replaces what was read before."
    )


def described(snapshot: Snapshot) -> RankingSnapshot:
    found = snapshot.generation
    return RankingSnapshot(
        generation=f"{found.id:016x}",
        as_of=found.as_of,
        expires_at=found.expires_at,
        restarted=snapshot.is_restarted,
    )
