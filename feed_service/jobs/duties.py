"""What is done every so often; see `jobs.upkeep` for how to add a duty."""

from collections.abc import Sequence

from feed_service.commands import forgetting, forgetting_texts, idempotency, publishing, reconcile, sessions
from feed_service.commands.bulk import uploads
from feed_service.jobs.upkeep import Duty
from feed_service.operations import history

MINUTE, HOUR = 60.0, 3_600.0

DUTIES: Sequence[Duty] = (
    Duty("forget bulks", HOUR, uploads.forget),
    Duty("forget changes", MINUTE, forgetting.forget_changes),
    Duty("forget idempotency keys", 10 * MINUTE, idempotency.forget_expired),
    Duty("forget jobs", HOUR, forgetting.forget_jobs),
    Duty("forget observations", HOUR, forgetting.forget_observations),
    Duty("forget old comments", HOUR, forgetting_texts.forget_comments),
    Duty("forget old posts", HOUR, forgetting_texts.forget_posts),
    Duty("forget sessions", 10 * MINUTE, sessions.forget_expired),
    Duty("forget views", 10 * MINUTE, forgetting.forget_views),
    Duty("publish", 1.0, publishing.publish_due),
    Duty("sample numbers", 10 * MINUTE, reconcile.sample_numbers),
    Duty("snapshot statements", 10 * MINUTE, history.snapshot_statements),
)
