"""What every resolver may use: the viewer, the loaders and the cursors of this request."""

from dataclasses import dataclass

import strawberry

from feed_service.loaders.batching import Loaders, Reader
from feed_service.paging import Cursors
from feed_service.viewer import Viewer


@dataclass(frozen=True)
class Context:
    loaders: Loaders
    cursors: Cursors

    @property
    def viewer(self) -> Viewer:
        return self.loaders.reader.viewer


def make_context(reader: Reader, cursors: Cursors) -> Context:
    """The context of one request. Call it inside the running loop."""
    return Context(Loaders(reader), cursors)


Info = strawberry.Info[Context, None]
