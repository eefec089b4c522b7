"""What is done every so often; see `jobs.upkeep` for how to add a duty."""

from collections.abc import Sequence

from feed_service.commands import (
    forgetting,
    forgetting_partitions,
    forgetting_texts,
    idempotency,
    partitions,
    publishing,
    rounds,
    sessions,
)
from feed_service.commands.bulk import uploads
from feed_service.jobs.upkeep import Duty, Walk
from feed_service.operations import history

MINUTE, HOUR = 60.0, 3_600.0

DUTIES: Sequence[Duty | Walk] = (
    Duty("create partitions", HOUR, partitions.create_partitions),
    Duty("drop partitions", HOUR, forgetting_partitions.drop_partitions),
    Duty("forget bulks", HOUR, uploads.forget),
    Duty("forget idempotency keys", 10 * MINUTE, idempotency.forget_expired),
    Duty("forget jobs", HOUR, forgetting.forget_jobs),
    Duty("forget observations", HOUR, forgetting.forget_observations),
    Duty("forget old comments", HOUR, forgetting_texts.forget_comments),
    Duty("forget old posts", HOUR, forgetting_texts.forget_posts),
    Duty("forget sessions", 10 * MINUTE, sessions.forget_expired),
    Duty("publish", 1.0, publishing.publish_due),
    Walk("reconcile", 10 * MINUTE, rounds.walk),
    Duty("snapshot statements", 10 * MINUTE, history.snapshot_statements),
)
