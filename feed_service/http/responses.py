"""Answers of the addresses beside GraphQL: Starlette's, in the form of GraphQL's errors."""

from starlette.requests import Request
from starlette.responses import Response

from feed_service.errors import FeedError
from feed_service.http import replies
from feed_service.http.headers import VARY


def refused(request: Request, refusal: FeedError, media_type: str) -> Response:
    """A request that was not done."""
    reply = replies.refused(request_id(request), refusal, media_type)
    response = json_response(reply.body, media_type, reply.status)
    response.headers.update(
        {name.decode(): value.decode() for name, value in reply.headers if name != b"cache-control"}
    )
    return response


def json_response(body: bytes, media_type: str, status: int = 200) -> Response:
    return Response(body, status, {"Content-Type": f"{media_type}; charset=utf-8", "Vary": VARY})


def request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))
