"""`/healthz`: this process answers. `/readyz`: it can also serve, because the database is there and up to date."""

from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

IsCurrent = Callable[[], Awaitable[bool]]


def health_routes(is_current: IsCurrent) -> list[Route]:
    """`is_current` says whether the migrations are applied, and raises when the database cannot be reached."""

    async def ready(_: Request) -> JSONResponse:
        try:
            current = await is_current()
        except (SQLAlchemyError, OSError):
            return JSONResponse({"status": "The database cannot be reached."}, 503)
        if not current:
            return JSONResponse({"status": "The database needs `feed-service migrate`."}, 503)
        return JSONResponse({"status": "ok"})

    return [Route("/healthz", alive), Route("/readyz", ready)]


async def alive(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})
