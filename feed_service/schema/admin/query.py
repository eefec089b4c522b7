"""Every way for administrators to look, on one screen."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from feed_service import loaders
from feed_service.commands import audit, audit_trail
from feed_service.errors import BadUserInput
from feed_service.operations.asking import Questions
from feed_service.operations.connections import Connections, connections
from feed_service.operations.drifting import Drifting, drifting
from feed_service.operations.explanations import Explained
from feed_service.operations.hits import Hits, hits
from feed_service.operations.indexes import Indexes, indexes
from feed_service.operations.months import Months, months
from feed_service.operations.report import Report, Wanted, collected
from feed_service.operations.served import Served, read_served
from feed_service.operations.sizes import Sizes, sizes
from feed_service.operations.slow_lines import SlowOperation
from feed_service.operations.slow_lines import SlowStatement as SlowRun
from feed_service.operations.slow_statements import SlowStatements, slow_statements
from feed_service.operations.upkeep import Upkeep, upkeep
from feed_service.schema.admin.context import Info
from feed_service.schema.admin.derived import derived
from feed_service.schema.analytics import Engagement
from feed_service.schema.enums import AnalyticsWindow
from feed_service.schema.ids import decode_as
from feed_service.transactions import Statements

MOST_MINUTES = 7 * 24 * 60
MOST_EVENTS = 1_000

Minutes = Annotated[int, strawberry.argument(description="How far back to look, up to 7 days.")]


@strawberry.enum(description="What engagement is told of.")
class Subjects(Enum):
    AUTHORS = "User"
    TAGS = "Tag"
    CATEGORIES = "Category"


BATCHES: dict[str, tuple[Any, int]] = {
    "User": (loaders.analytics.by_author_id, 100),
    "Tag": (loaders.analytics.by_tag_id, 10),
    "Category": (loaders.analytics.by_category_id, 10),
}
"""Batch functions, and how many ids one question may name: those of topics read thousands of posts each."""


@strawberry.type(description="What a subject's posts have stirred; zeros where there is nothing.")
class SubjectEngagement:
    id: strawberry.ID
    engagement: Engagement


@strawberry.type(description="What took longer than it should, of the process that answers; newest first.")
class SlowLog:
    statements: list[derived(SlowRun, "SlowRun")]  # type: ignore[valid-type]
    operations: list[derived(SlowOperation)]  # type: ignore[valid-type]
    left_out: int = strawberry.field(description="Lines that were not written, as there were too many.")


def window_of(minutes: int) -> timedelta:
    """Raises BadUserInput."""
    if not 1 <= minutes <= MOST_MINUTES:
        raise BadUserInput(f"minutes must be between 1 and {MOST_MINUTES}.")
    return timedelta(minutes=minutes)


@strawberry.type
class AdminQuery:
    @strawberry.field(
        graphql_type=derived(Report), description="All of it, with advice; as `feed-service report`. About two seconds."
    )
    async def report(self, info: Info, minutes: Minutes = 60) -> Report:
        return await info.context.ask(lambda ask: collected(ask, Wanted(window_of(minutes))))

    @strawberry.field(graphql_type=derived(SlowStatements), description="From pg_stat_statements, of this database.")
    async def slow_queries(self, info: Info, minutes: Minutes = 60) -> SlowStatements:
        window = window_of(minutes)

        async def read(ask: Questions) -> SlowStatements:
            return await slow_statements(ask, window, await read_served(ask, window, datetime.now(UTC)))

        return await info.context.ask(read)

    @strawberry.field(graphql_type=derived(Indexes), description="Unused, redundant, invalid and missing ones.")
    async def index_usage(self, info: Info) -> Indexes:
        return await info.context.ask(indexes)

    @strawberry.field(graphql_type=derived(Sizes), description="By table, partitions under their parent.")
    async def table_sizes(self, info: Info) -> Sizes:
        return await info.context.ask(sizes)

    @strawberry.field(graphql_type=derived(Connections), description="By state; who waits for whom; what is stuck.")
    async def connections(self, info: Info) -> Connections:

        async def read(ask: Questions) -> Connections:
            return await connections(ask, await read_served(ask, window_of(60), datetime.now(UTC)))

        return await info.context.ask(read)

    @strawberry.field(graphql_type=derived(Hits), description="How often PostgreSQL found a page in its memory.")
    async def buffer_hits(self, info: Info) -> Hits:
        return await info.context.ask(hits)

    @strawberry.field(
        graphql_type=derived(Served), description="What the service has counted: operations, caches, pools, polls."
    )
    async def cache_stats(self, info: Info, minutes: Minutes = 60) -> Served:
        window = window_of(minutes)
        return await info.context.ask(lambda ask: read_served(ask, window, datetime.now(UTC)))

    @strawberry.field(graphql_type=derived(Drifting), description="What reconciliation found wrong, and put right.")
    async def counter_drift(self, info: Info) -> Drifting:
        return await info.context.ask(drifting)

    @strawberry.field(graphql_type=derived(Upkeep), description="Regular work, and jobs that are not done.")
    async def jobs(self, info: Info) -> Upkeep:
        return await info.context.ask(upkeep)

    @strawberry.field(graphql_type=derived(Months), description="Of the tables that are kept by months.")
    async def partitions(self, info: Info) -> Months:
        return await info.context.ask(months)

    @strawberry.field(description="Of the process that answers.")
    def slow_log(self, info: Info) -> SlowLog:
        told = info.context.slow_log.recent()
        statements = [one for one in told if isinstance(one, SlowRun)]
        operations = [one for one in told if isinstance(one, SlowOperation)]
        return SlowLog(statements=statements, operations=operations, left_out=info.context.slow_log.left_out)

    @strawberry.field(description="The newest events about a subject, or of an actor, as `feed-service audit show`.")
    async def audit_log(
        self,
        info: Info,
        subject_kind: str | None = None,
        subject_id: int | None = None,
        actor_id: int | None = None,
        first: int = 100,
    ) -> list[JSON]:
        if not 1 <= first <= MOST_EVENTS:
            raise BadUserInput(f"first must be between 1 and {MOST_EVENTS}.")
        if (subject_kind is None) != (subject_id is None) or (subject_kind is None) == (actor_id is None):
            raise BadUserInput("Name subjectKind and subjectId, or actorId.")

        async def work(sql: Statements) -> list[Any]:
            if subject_kind is not None and subject_id is not None:
                return await audit_trail.about(sql, subject_kind, subject_id, first)
            return await audit_trail.of_stream(sql, audit.stream_of(actor_id), first)

        return await info.context.writing.transact(work, isolation="repeatable_read")

    @strawberry.field(
        graphql_type=derived(Explained),
        description="Every statement of a query, with its plan; executed for the user of that name, or for nobody.",
    )
    async def explain_operation(
        self,
        info: Info,
        document: str,
        variables: JSON | None = None,
        operation_name: str | None = None,
        as_user: str | None = None,
        analyze: bool = True,
    ) -> Explained:
        if variables is not None and not isinstance(variables, dict):
            raise BadUserInput("variables must be an object.")
        return await info.context.explain(document, variables or {}, operation_name, as_user, analyze)

    @strawberry.field(description="What posts of authors, of tags or of categories have stirred: each id is answered.")
    async def engagement(
        self, info: Info, of: Subjects, ids: list[strawberry.ID], window: AnalyticsWindow
    ) -> list[SubjectEngagement]:
        batch, most = BATCHES[of.value]
        if not 1 <= len(ids) <= most:
            raise BadUserInput(f"ids must be between 1 and {most}.")
        found: Sequence[Any] = await info.context.loaders.load_many(
            batch, [decode_as(of.value, one) for one in ids], window
        )
        return [SubjectEngagement(id=one, engagement=row.totals) for one, row in zip(ids, found, strict=True)]
