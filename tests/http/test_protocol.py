"""GraphQL over HTTP beyond the audit: whatever comes, the answer is JSON with a code, and the log stays calm."""

import json
import logging
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.health import IsCurrent, readyz
from feed_service.http.site import create_site
from feed_service.stopping import Stopping
from feed_service.viewer import Viewer
from tests.http.server import serving
from tests.http.small import TOKEN, core
from tests.http.small import is_current as always

JSON = {"Content-Type": "application/json"}
GRAPHQL = {"Accept": "application/graphql-response+json"}
ASK = b'{"query": "{ __typename }"}'
DEEP = b'{"query": "{ a }", "variables": {"a": ' + b"[" * 900 + b"]" * 900 + b"}}"
TWO = "query A { __typename } query B { __typename }"
SKIP = "query A($b: Boolean!) { __typename @skip(if: $b) }"
WIDE = "{" + "".join(f"a{number}: __typename " for number in range(31)) + "}"
TYPENAME = {"data": {"__typename": "Query"}}


def asking(query: object, **members: object) -> bytes:
    return json.dumps({"query": query, **members}).encode()


@dataclass(frozen=True)
class Sent:
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    path: str = "/graphql"


def post(body: bytes, **headers: str) -> Sent:
    return Sent("POST", JSON | GRAPHQL | {name.replace("_", "-"): value for name, value in headers.items()}, body)


def get(path: str) -> Sent:
    return Sent("GET", GRAPHQL, path=path)


REFUSED: dict[str, tuple[Sent, int, str]] = {
    "a number": (post(b"123"), 400, "BAD_USER_INPUT"),
    "null": (post(b"null"), 400, "BAD_USER_INPUT"),
    "a text": (post(b'"{ a }"'), 400, "BAD_USER_INPUT"),
    "nothing": (post(b""), 400, "BAD_USER_INPUT"),
    "a batch": (post(b"[" + ASK + b"]"), 400, "BAD_USER_INPUT"),
    "half an object": (post(b'{"query": '), 400, "BAD_USER_INPUT"),
    "bad UTF-8": (post(b'{"query": "{ a\xff }"}'), 400, "BAD_USER_INPUT"),
    "UTF-16": (post(ASK.decode().encode("utf-16")), 400, "BAD_USER_INPUT"),
    "a lone surrogate": (post(b'{"query": "{ a }", "variables": {"a": "\\ud800"}}'), 400, "BAD_USER_INPUT"),
    "NaN": (post(b'{"query": "{ a }", "variables": {"a": NaN}}'), 400, "BAD_USER_INPUT"),
    "infinity": (post(b'{"query": "{ a }", "variables": {"a": 1e999}}'), 400, "BAD_USER_INPUT"),
    "nested 45,000 deep": (post(b"[" * 45_000 + b"]" * 45_000), 400, "BAD_USER_INPUT"),
    "nested 60,000 deep": (post(b"[" * 60_000 + b"]" * 60_000), 413, "BODY_TOO_LARGE"),
    "deep variables": (post(DEEP), 400, "BAD_USER_INPUT"),
    "90,000 digits": (post(b'{"query": "{ a }", "variables": {"a": ' + b"9" * 90_000 + b"}}"), 400, "BAD_USER_INPUT"),
    "90,000 digits in the query": (post(asking("{ a(b: " + "9" * 90_000 + ") }")), 400, "BAD_USER_INPUT"),
    "NUL in a variable": (post(asking("{ a }", variables={"a": ["\x00"]})), 400, "BAD_USER_INPUT"),
    "NUL in a literal": (post(asking('{ a(b: "\\u0000") }')), 400, "BAD_USER_INPUT"),
    "NUL in a literal, written shortly": (post(asking('{ a(b: "\\u{0}") }')), 400, "BAD_USER_INPUT"),
    "a bare NUL": (post(asking('{ a(b: "\x00") }')), 400, "BAD_USER_INPUT"),
    "no query": (post(b"{}"), 400, "BAD_USER_INPUT"),
    "a query of numbers": (post(asking(7)), 400, "BAD_USER_INPUT"),
    "variables in a list": (post(asking("{ a }", variables=[])), 400, "BAD_USER_INPUT"),
    "variables in a text": (post(asking("{ a }", variables="{}")), 400, "BAD_USER_INPUT"),
    "a numbered operation": (post(asking("{ a }", operationName=1)), 400, "BAD_USER_INPUT"),
    "extensions in a text": (post(asking("{ a }", extensions="a")), 400, "BAD_USER_INPUT"),
    "a body too large": (post(b" " * 100_001), 413, "BODY_TOO_LARGE"),
    "no GraphQL": (post(asking("{")), 400, "GRAPHQL_PARSE_FAILED"),
    "an empty document": (post(asking("")), 400, "GRAPHQL_PARSE_FAILED"),
    "too many tokens": (post(asking("{" + " a" * 2_100 + "}")), 400, "GRAPHQL_PARSE_FAILED"),
    "too many comments": (post(asking("#\n" * 20_000 + "{ a }")), 400, "GRAPHQL_PARSE_FAILED"),
    "nested selections": (post(asking("{ a " * 900 + "}" * 900)), 400, "GRAPHQL_PARSE_FAILED"),
    "an unknown field": (post(asking("{ nothingLikeIt }")), 400, "GRAPHQL_VALIDATION_FAILED"),
    "a fragment cycle": (post(asking("{ ...A } fragment A on Query { ...A }")), 400, "GRAPHQL_VALIDATION_FAILED"),
    "two operations": (post(asking(TWO)), 400, "GRAPHQL_VALIDATION_FAILED"),
    "an unknown operation": (post(asking(TWO, operationName="C")), 400, "GRAPHQL_VALIDATION_FAILED"),
    "a subscription": (post(asking("subscription { a }")), 400, "GRAPHQL_VALIDATION_FAILED"),
    "a bad variable": (post(asking(SKIP, variables={"b": 1})), 400, "BAD_USER_INPUT"),
    "too many aliases": (post(asking(WIDE)), 400, "QUERY_TOO_COSTLY"),
    "a form": (post(b"query=%7Ba%7D", Content_Type="application/x-www-form-urlencoded"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "plain text": (post(ASK, Content_Type="text/plain"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "a multipart form": (post(ASK, Content_Type="multipart/form-data; boundary=x"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "Latin-1": (post(ASK, Content_Type="application/json; charset=iso-8859-1"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "no content type": (Sent(headers=GRAPHQL, body=ASK), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "gzip": (post(b"\x1f\x8b\x08", Content_Encoding="gzip"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    "an answer in text": (post(ASK, Accept="text/plain"), 406, "NOT_ACCEPTABLE"),
    "no answer at all": (post(ASK, Accept="*/*;q=0"), 406, "NOT_ACCEPTABLE"),
    "put": (Sent("PUT", JSON | GRAPHQL, ASK), 405, "METHOD_NOT_ALLOWED"),
    "delete": (Sent("DELETE", GRAPHQL), 405, "METHOD_NOT_ALLOWED"),
    "query by QUERY": (Sent("QUERY", JSON | GRAPHQL, ASK), 405, "METHOD_NOT_ALLOWED"),
    "get without a query": (get("/graphql"), 400, "BAD_USER_INPUT"),
    "get with bad UTF-8": (get("/graphql?query=%7Ba%ff%7D"), 400, "BAD_USER_INPUT"),
    "get with a surrogate": (get("/graphql?query=%7Ba%ed%a0%80%7D"), 400, "BAD_USER_INPUT"),
    "get with bad variables": (get("/graphql?query=%7Ba%7D&variables=%7B"), 400, "BAD_USER_INPUT"),
    "get with many parameters": (get("/graphql?" + "a=b&" * 30), 400, "BAD_USER_INPUT"),
    "basic credentials": (post(ASK, Authorization="Basic YTpi"), 401, "UNAUTHENTICATED"),
    "no token": (post(ASK, Authorization="Bearer"), 401, "UNAUTHENTICATED"),
    "an empty credential": (post(ASK, Authorization=""), 401, "UNAUTHENTICATED"),
    "a bad token": (post(ASK, Authorization="Bearer a.b.c"), 401, "UNAUTHENTICATED"),
    "elsewhere": (get("/somewhere"), 404, "NOT_FOUND"),
    "another asset": (get("/graphiql/package.json"), 404, "NOT_FOUND"),
    "an asset upwards": (get("/graphiql/..%2fgraphiql.py"), 404, "NOT_FOUND"),
    "an asset by name": (get("/graphiql/../graphiql.py"), 404, "NOT_FOUND"),
}  # fmt: skip


def send(url: str, sent: Sent) -> httpx2.Response:
    with httpx2.Client(base_url=url) as client:
        return client.request(sent.method, sent.path, headers=sent.headers, content=sent.body)


def is_noise(record: logging.LogRecord) -> bool:
    """More than one line for a client's mistake. That GraphiQL is not installed is none, and is said once."""
    return (record.levelno > logging.INFO or bool(record.exc_info)) and record.name != "feed_service.http.graphiql"


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_request_gets_an_error_with_a_code(service_url: str, name: str, caplog: pytest.LogCaptureFixture) -> None:
    sent, status, code = REFUSED[name]
    with caplog.at_level(logging.INFO):
        answer = send(service_url, sent)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert answer.headers["content-type"].partition(";")[0] in {GRAPHQL["Accept"], "application/json"}
    assert "data" not in answer.json()
    assert "location" not in answer.headers
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert ("allow" in answer.headers) == (status == 405)
    assert [record for record in caplog.records if is_noise(record)] == []


@pytest.mark.parametrize(
    "sent",
    [
        post(ASK),
        post(ASK, Content_Type="application/json; charset=utf-8"),
        post(ASK, Content_Type="Application/JSON"),
        post(ASK, Content_Encoding="identity"),
        post(asking("{ __typename }", variables=None, operationName=None, extensions=None)),
        post(asking(TWO, operationName="B")),
        Sent("POST", JSON | GRAPHQL, ASK, "/graphql/"),
        get("/graphql?query=%7B__typename%7D&variables=%7B%7D&operationName="),
    ],
)
def test_a_good_request_is_answered(service_url: str, sent: Sent) -> None:
    answer = send(service_url, sent)
    assert (answer.status_code, answer.json()) == (200, TYPENAME)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("", "application/json"),
        ("application/json", "application/json"),
        ("application/graphql-response+json, application/json", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json", "application/graphql-response+json"),
        ("application/graphql-response+json;q=0.5, application/json", "application/json"),
        ("application/json;q=0, */*", "application/graphql-response+json"),
        ("text/html, application/json;q=0.1", "application/json"),
        ("nonsense, application/json", "application/json"),
    ],
)
def test_the_answer_has_the_media_type_that_was_asked_for(small_url: str, accept: str, media_type: str) -> None:
    assert send(small_url, post(ASK, Accept=accept)).headers["content-type"] == f"{media_type}; charset=utf-8"


@pytest.mark.parametrize("query", ["{", "{ nothingLikeIt }", TWO])
def test_older_clients_get_200_for_refused_graphql(small_url: str, query: str) -> None:
    answer = send(small_url, post(asking(query), Accept="application/json"))
    assert answer.status_code == 200
    assert answer.json().keys() == {"errors"}


def test_every_answer_carries_safe_headers(service_url: str) -> None:
    headers = send(service_url, post(ASK, X_Request_Id="trace-1")).headers
    assert headers["x-request-id"] == "trace-1"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert {"Authorization", "Accept"} <= set(headers["vary"].split(", "))
    assert send(service_url, post(ASK, X_Request_Id="a b")).headers["x-request-id"] != "a b"


def test_a_mutation_by_get_is_not_executed(small_url: str) -> None:
    answer = send(small_url, get('/graphql?query=mutation%7Brename(name:"a")%7D'))
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["errors"][0]["extensions"] == {"code": "METHOD_NOT_ALLOWED"}


def test_a_token_says_who_asks(small_url: str) -> None:
    asked = asking("{ viewerId }")
    assert send(small_url, post(asked)).json() == {"data": {"viewerId": None}}
    assert send(small_url, post(asked, Authorization=f"bearer {TOKEN}")).json() == {"data": {"viewerId": 7}}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told(service_url: str, path: str) -> None:
    assert send(service_url, get(path)).json() == {"status": "ok"}


async def is_outdated() -> bool:
    return False


async def is_away() -> bool:
    raise ConnectionRefusedError


@pytest.mark.parametrize(("is_current", "why"), [(is_outdated, "migrate"), (is_away, "cannot be reached")])
async def test_readiness_says_what_is_missing(is_current: IsCurrent, why: str) -> None:
    answer = await readyz(is_current, Stopping())(Request({"type": "http"}))
    assert answer.status_code == 503
    assert why in bytes(answer.body).decode()


async def test_a_service_that_stops_is_not_ready() -> None:
    stopping = Stopping()
    told: list[bool] = []
    stopping.when_begun(lambda: told.append(stopping.is_begun))
    ready = readyz(always, stopping)
    assert (await ready(Request({"type": "http"}))).status_code == 200
    stopping.begin()
    stopping.begin()
    answer = await ready(Request({"type": "http"}))
    assert (answer.status_code, answer.body) == (503, b'{"status":"The service is stopping."}')
    assert told == [True]


async def is_down(_token: str) -> Viewer:
    raise OSError("no route to 10.0.0.7")


def test_a_database_that_is_away_is_no_bad_token(caplog: pytest.LogCaptureFixture) -> None:
    endpoint = GraphQLEndpoint(
        Execution(core, Plans(core)), Documents(core), is_down, lambda viewer, _request_id: viewer
    )
    with serving(create_site(endpoint, is_away)) as url:
        answer = send(url, post(ASK, Authorization="Bearer a.b.c", Accept="application/json"))
    assert (answer.status_code, errors_of(answer)[0]["extensions"]) == (503, {"code": "UNAVAILABLE"})
    assert "10.0.0.7" not in answer.text
    assert "retry-after" in answer.headers
    assert [record for record in caplog.records if record.exc_info] == []


def test_a_long_answer_is_compressed(small_url: str) -> None:
    body = asking("{ people { id name friends { id name } } }")
    answer = send(small_url, post(body, Accept_Encoding="gzip"))
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["data"]["people"]) == 20


def errors_of(answer: httpx2.Response) -> list[dict[str, Any]]:
    return list(answer.json()["errors"])


def test_an_unforeseen_fault_is_masked_and_logged_once(small_url: str, caplog: pytest.LogCaptureFixture) -> None:
    answer = send(small_url, post(asking("{ person { broken } }"), X_Request_Id="trace-2"))
    assert (answer.status_code, answer.json()["data"]) == (200, {"person": None})
    assert errors_of(answer)[0]["extensions"] == {"code": "INTERNAL", "requestId": "trace-2"}
    assert "secret" not in answer.text
    logged = [record for record in caplog.records if record.exc_info]
    assert [record.getMessage() for record in logged] == ["request trace-2 failed"]


def test_a_request_that_takes_too_long_is_ended(small_url: str) -> None:
    answer = send(small_url, post(asking("{ person { slow } }")))
    assert (answer.status_code, errors_of(answer)[0]["extensions"]) == (504, {"code": "TIMEOUT"})
