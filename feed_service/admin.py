"""The way of administrators: what answers at /admin. Imported with its first request, as few processes have one."""

from typing import Any

from feed_service.accounts.desk import Desk
from feed_service.accounts.viewers import viewer_named
from feed_service.errors import Forbidden, Unauthenticated
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.explained import Explainer, Question
from feed_service.http.bearer import ViewerOf
from feed_service.http.graphql import Asking, GraphQLEndpoint
from feed_service.http.replies import Reply
from feed_service.loaders.batching import Loaders, Reader
from feed_service.operations.explanations import Explained
from feed_service.resources import Resources
from feed_service.schema.admin.context import AdminContext
from feed_service.schema.admin.schema import schema
from feed_service.viewer import ANONYMOUS, Role, Viewer

EXPLAINED_S = 1.0
"""That a statement may take: the request has ten seconds for all of them."""


def admin_endpoint(held: Resources, viewer_of: ViewerOf, secret: bytes, desk: Desk) -> GraphQLEndpoint:
    """`secret`: of cursors, which explained operations may have."""
    explainer = Explainer(held.url, secret, desk, is_compiled=held.settings.is_compiled)

    async def explain(
        document: str, variables: dict[str, Any], operation_name: str | None, username: str | None, is_analyzed: bool
    ) -> Explained:
        viewer = await viewer_named(held.database, username) if username else ANONYMOUS
        question = Question(document, variables, operation_name, viewer, username, is_analyzed, limit_s=EXPLAINED_S)
        return await explainer.explained(question)

    def context_of(viewer: Viewer, _request_id: str) -> AdminContext:
        reader = Reader(held.database, held.cache, viewer, held.generations)
        return AdminContext(held.url, Loaders(reader), held.writing, held.slow_log, explain)

    core = schema._schema  # noqa: SLF001 - as in `app`.
    metrics = held.metrics
    execution = Execution(core, None, metrics.operations, metrics.meters, is_development=False)
    return AdminEndpoint(execution, Documents(core), viewer_of, context_of, meters=metrics.meters)


class AdminEndpoint(GraphQLEndpoint):
    """Nobody else's document is even looked at: what is wrong with it would tell of the schema."""

    async def _answered(self, asking: Asking) -> Reply:
        require_administrator(asking.viewer)
        return await super()._answered(asking)


def require_administrator(viewer: Viewer) -> None:
    """Raises Unauthenticated or Forbidden."""
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in as an administrator.")
    if viewer.role is not Role.ADMIN:
        raise Forbidden("This is for administrators.")
