"""`/healthz`: this process answers. `/readyz`: it can also serve, because the database is there and up to date."""

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse

IsCurrent = Callable[[], Awaitable[bool]]
Endpoint = Callable[[Request], Awaitable[JSONResponse]]


def readyz(is_current: IsCurrent) -> Endpoint:
    """`is_current` says whether the migrations are applied, and raises when the database cannot be reached."""

    async def ready(_: Request) -> JSONResponse:
        try:
            current = await is_current()
        except (SQLAlchemyError, OSError):
            return JSONResponse({"status": "The database cannot be reached."}, 503)
        if not current:
            return JSONResponse({"status": "The database needs `feed-service migrate`."}, 503)
        return JSONResponse({"status": "ok"})

    return ready


async def healthz(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})
