"""`/healthz`: this process answers. `/readyz`: it can also serve, because the database is there and up to date."""

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse

from feed_service.errors import FeedError
from feed_service.stopping import Stopping

IsCurrent = Callable[[], Awaitable[bool]]
Endpoint = Callable[[Request], Awaitable[JSONResponse]]


def readyz(is_current: IsCurrent, stopping: Stopping) -> Endpoint:
    """`is_current` says whether the migrations are applied, and raises when the database cannot be reached."""

    async def ready(_: Request) -> JSONResponse:
        if stopping.is_begun:
            return JSONResponse({"status": "The service is stopping."}, 503)
        try:
            current = await is_current()
        except FeedError as error:
            return JSONResponse({"status": str(error)}, 503)
        except (SQLAlchemyError, OSError):
            return JSONResponse({"status": "The database cannot be reached."}, 503)
        if not current:
            return JSONResponse({"status": "The database needs `feed-service migrate`."}, 503)
        return JSONResponse({"status": "ok"})

    return ready


async def healthz(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})
