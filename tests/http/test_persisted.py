"""Documents that are named instead of sent: Apollo's protocol, trusted documents, and what is refused."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from feed_service.app import create_app
from feed_service.errors import ConfigurationError
from feed_service.execution.documents import Documents
from feed_service.execution.paths import Execution
from feed_service.execution.plans import Plans
from feed_service.http import persisted, trusted
from feed_service.http.body import GraphQLRequest
from feed_service.http.graphql import GraphQLEndpoint
from feed_service.http.persisted import PersistedDocuments
from feed_service.http.refusals import PersistedQueryNotFound
from feed_service.http.site import create_site
from feed_service.settings import Settings
from tests.http.server import serving
from tests.http.small import core, is_current, viewer_of

NAME = "query Name($id: String!) { person(id: $id) { name } }"
RENAME = 'mutation Rename { rename(name: "Bo") }'
ANN: dict[str, Any] = {"data": {"person": {"name": "Ann"}}}
GRAPHQL = "application/graphql-response+json"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by_hash(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}


def ask(url: str, method: str, **members: Any) -> httpx2.Response:  # noqa: ANN401 - JSON.
    """As Apollo's and urql's links write it: in the address by GET, in the body by POST."""
    headers = {"Accept": f"{GRAPHQL}, application/json;q=0.9"}
    with httpx2.Client(base_url=url, headers=headers) as client:
        if method == "POST":
            return client.post("/graphql", json=members)
        plain = {name: value if isinstance(value, str) else json.dumps(value) for name, value in members.items()}
        return client.get("/graphql", params=plain)


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


@pytest.mark.parametrize("first", ["GET", "POST"])
@pytest.mark.parametrize("then", ["GET", "POST"])
def test_a_document_is_known_by_its_hash_once_it_was_sent_with_it(small_url: str, first: str, then: str) -> None:
    text = f"{NAME} # {first} {then}"
    asked: dict[str, Any] = {"operationName": "Name", "variables": {"id": "1"}, "extensions": by_hash(text)}
    unknown = ask(small_url, first, **asked)
    assert code_of(unknown) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"
    assert unknown.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert unknown.headers["cache-control"] == "no-store"
    assert ask(small_url, then, query=text, **asked).json() == ANN
    assert ask(small_url, first, **asked).json() == ANN


def test_urql_marks_the_second_attempt(small_url: str) -> None:
    text = f"{NAME} # urql"
    extensions = {"persistedQuery": by_hash(text)["persistedQuery"] | {"miss": True}}
    assert ask(small_url, "GET", query=text, variables={"id": "1"}, extensions=extensions).json() == ANN


@pytest.mark.parametrize("text", ["{ nothingLikeIt }", "{", "{ person(id: 1)"])
def test_only_valid_documents_are_kept(small_url: str, text: str) -> None:
    assert "errors" in ask(small_url, "POST", query=text, extensions=by_hash(text)).json()
    assert code_of(ask(small_url, "POST", extensions=by_hash(text))) == (200, "PERSISTED_QUERY_NOT_FOUND")


REFUSED: dict[str, dict[str, Any]] = {
    "another document's hash": {"query": NAME, "extensions": by_hash("{ a }")},
    "version 2": {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": sha256(NAME)}}},
    "version true": {"extensions": {"persistedQuery": {"version": True, "sha256Hash": sha256(NAME)}}},
    "no version": {"extensions": {"persistedQuery": {"sha256Hash": sha256(NAME)}}},
    "no hash": {"extensions": {"persistedQuery": {"version": 1}}},
    "a hash of numbers": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": 7}}},
    "an endless hash": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "a" * 201}}},
    "a text for an object": {"extensions": {"persistedQuery": "a"}},
    "a query of numbers": {"query": 7, "extensions": by_hash(NAME)},
    "an endless id": {"documentId": "a" * 201},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_persisted_query_is_refused(small_url: str, name: str) -> None:
    assert code_of(ask(small_url, "POST", **REFUSED[name])) == (400, "BAD_USER_INPUT")


def test_a_mutation_may_be_persisted_but_never_sent_by_get(small_url: str) -> None:
    assert ask(small_url, "POST", query=RENAME, extensions=by_hash(RENAME)).json() == {"data": {"rename": "Bo"}}
    assert ask(small_url, "POST", extensions=by_hash(RENAME)).json() == {"data": {"rename": "Bo"}}
    assert code_of(ask(small_url, "GET", extensions=by_hash(RENAME))) == (405, "METHOD_NOT_ALLOWED")


async def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persisted, "MAX_KEPT", 2)
    known = PersistedDocuments({"home": "{ trusted }"})
    for text in ["{ a }", "{ b }", "{ c }", "{ " + "a" * persisted.MAX_LENGTH + " }"]:
        await known.register(GraphQLRequest(text, {}, None, sha256=sha256(text)))
    assert await known.text_of(naming("{ b }")) == "{ b }"
    assert await known.text_of(GraphQLRequest(None, {}, None, "home")) == "{ trusted }"
    for text in ["{ a }", "{ " + "a" * persisted.MAX_LENGTH + " }"]:
        with pytest.raises(PersistedQueryNotFound):
            await known.text_of(naming(text))


def naming(text: str) -> GraphQLRequest:
    return GraphQLRequest(None, {}, None, sha256=sha256(text))


class Others:
    """The memory that processes share, here a dict."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = dict(texts)

    async def get(self, sha256: str) -> str | None:
        return self.texts.get(sha256)

    async def put(self, sha256: str, text: str) -> None:
        self.texts[sha256] = text


async def test_processes_learn_documents_from_each_other_but_check_the_hash() -> None:
    others = Others({sha256("{ forged }"): "{ a }"})
    one, two = PersistedDocuments(shared=others), PersistedDocuments(shared=others)
    await one.register(GraphQLRequest("{ a }", {}, None, sha256=sha256("{ a }")))
    assert await two.text_of(naming("{ a }")) == "{ a }"
    with pytest.raises(PersistedQueryNotFound):
        await two.text_of(naming("{ forged }"))


MANIFESTS: dict[str, Any] = {
    "plain": {"name": NAME},
    "Relay": {"3be4abb81fa595e25eb725b2c6a87508": NAME},
    "Apollo": {
        "format": "apollo-persisted-query-manifest",
        "version": 1,
        "operations": [{"id": sha256(NAME), "name": "Name", "type": "query", "body": NAME}],
    },
}


def manifest(folder: Path, content: object, name: str = "manifest.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("kind", MANIFESTS)
def test_trusted_documents_are_named_by_id_or_hash_and_can_be_all_that_is_answered(tmp_path: Path, kind: str) -> None:
    documents = Documents(core)
    known = trusted.load([manifest(tmp_path, MANIFESTS[kind])], documents)
    endpoint = GraphQLEndpoint(
        Execution(core, Plans(core)),
        documents,
        viewer_of,
        lambda viewer, _: viewer,
        persisted=PersistedDocuments(known, only_trusted=True),
    )
    variables = {"id": "1"}
    with serving(create_site(endpoint, is_current)) as url:
        for name in (*known, f"sha256:{sha256(NAME)}"):
            assert ask(url, "GET", id=name, variables=variables).json() == ANN
            assert ask(url, "POST", documentId=name, variables=variables).json() == ANN
        assert ask(url, "GET", extensions=by_hash(NAME), variables=variables).json() == ANN
        assert ask(url, "POST", query=NAME, variables=variables).json() == ANN
        for others in ({"query": "{ viewerId }"}, {"extensions": by_hash("{ viewerId }")}, {"documentId": "another"}):
            assert code_of(ask(url, "POST", **others)) == (403, "FORBIDDEN")
        both = {"query": "{ viewerId }", "extensions": by_hash("{ viewerId }"), "documentId": next(iter(known))}
        assert code_of(ask(url, "POST", **both)) == (403, "FORBIDDEN")


BROKEN: dict[str, tuple[Any, str]] = {
    "no JSON": ("{", "is not valid JSON"),
    "a list": ([], "is neither an object"),
    "numbers": ({"a": 1}, "is neither an object"),
    "an empty id": ({"": NAME}, "an id that is empty"),
    "an unknown field": ({"a": "{ nothingLikeIt }"}, "holds a document a that cannot be used"),
    "no GraphQL": ({"a": "{"}, "holds a document a that cannot be used"),
    "Apollo's version 2": (MANIFESTS["Apollo"] | {"version": 2}, "of version 1"),
    "Apollo's without a body": (MANIFESTS["Apollo"] | {"operations": [{"id": "a"}]}, "without an id and a body"),
    "one id twice": (MANIFESTS["Apollo"] | {"operations": [{"id": "a", "body": b} for b in "bc"]}, "two documents"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_manifest_is_told_in_one_sentence(tmp_path: Path, name: str) -> None:
    content, why = BROKEN[name]
    with pytest.raises(ConfigurationError, match=why) as caught:
        trusted.load([manifest(tmp_path, content)], Documents(core))
    assert str(caught.value).startswith("FEED_TRUSTED_DOCUMENTS: the manifest ")
    assert "\n" not in str(caught.value)


def test_manifests_must_agree_and_must_be_there(tmp_path: Path) -> None:
    one, two = manifest(tmp_path, {"a": NAME}, "one"), manifest(tmp_path, {"a": RENAME}, "two")
    assert trusted.load([one, one], Documents(core)) == {"a": NAME}
    with pytest.raises(ConfigurationError, match="another document than a manifest before it"):
        trusted.load([one, two], Documents(core))
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        trusted.load([tmp_path / "missing"], Documents(core))


def test_an_allow_list_needs_a_list(tmp_path: Path) -> None:
    variables = {"DATABASE_URL": "postgresql://u@h/d", "FEED_DATA_DIR": str(tmp_path), "FEED_ONLY_TRUSTED": "on"}
    with pytest.raises(ConfigurationError, match="FEED_ONLY_TRUSTED needs FEED_TRUSTED_DOCUMENTS"):
        create_app(Settings.from_environment(variables))
    two = Settings.from_environment({"FEED_TRUSTED_DOCUMENTS": "/a/one.json:/a/two.json"})
    assert two.trusted_documents == (Path("/a/one.json"), Path("/a/two.json"))
