"""How each peer is asked: the same operations files, or its own address or documents where it has them."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import orjson

from benchmarks.load import Poller
from benchmarks.polls import head
from feed_service.schema.ids import decode

HERE = Path(__file__).parent
DOCUMENTS = HERE.parent / "operations"
OWN_DOCUMENTS = {"postgraphile": HERE / "postgraphile"}
"""Where a peer cannot run the operations files: documents of the same names for its own schema, with the viewer and
local ids as variables."""

OPERATIONS = ("feed", "post", "popular")


def poller(peer: str, operation: str, *, viewer_id: int | None, variables: Mapping[str, object]) -> Poller:
    """One request. `variables` are those of the operations files; `viewer_id` None stands for an anonymous visitor."""
    local = {name: decode(str(value))[1] if name == "id" else value for name, value in variables.items()}
    if peer == "limit":
        lines, body = head("GET", f"/{operation}?{urlencode(local)}"), ""
    else:
        given = local | {"viewer": viewer_id} if peer in OWN_DOCUMENTS else dict(variables)
        lines, body = head("POST", "/graphql"), orjson.dumps(_asked(peer, operation, given)).decode()
    return Poller(lines + (f"X-Viewer: {viewer_id}\r\n" if viewer_id is not None else ""), body)


def document(peer: str, operation: str) -> str:
    return (OWN_DOCUMENTS.get(peer, DOCUMENTS) / f"{operation}.graphql").read_text()


def _asked(peer: str, operation: str, variables: Mapping[str, object]) -> dict[str, object]:
    return {"query": document(peer, operation), "variables": variables}
