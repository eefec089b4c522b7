"""GraphiQL for browsers: the page, its parts from npm, our own, and the example queries. No other host is asked."""

import hashlib
import logging
import re
import secrets
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from feed_service.http.negotiation import accept_of, prefers_html

log = logging.getLogger(__name__)

ASSETS = Path(__file__).parent / "assets"

FROM_NPM = {
    "react.production.min.js": "react/umd/react.production.min.js",
    "react-dom.production.min.js": "react-dom/umd/react-dom.production.min.js",
    "graphiql.min.js": "graphiql/graphiql.min.js",
    "graphiql.min.css": "graphiql/graphiql.min.css",
}
OWN = ("graphiql.js", "graphiql.css")
TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

HOW_TO_GET_IT_OFFLINE = "GraphiQL is loaded from its CDN. Install npm and use `make run` to have it served from here."


@dataclass(frozen=True)
class Asset:
    content: bytes
    media_type: str
    version: str

    @classmethod
    def of(cls, name: str, content: bytes) -> "Asset":
        return cls(content, TYPES[Path(name).suffix], hashlib.sha256(content).hexdigest()[:16])


class PageOr:
    """GraphiQL for browsers that open the address, and `endpoint` for everything else."""

    def __init__(self, endpoint: ASGIApp) -> None:
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["method"] in {"GET", "HEAD"} and prefers_html(accept_of(Headers(scope=scope)))
        await (graphiql().response() if is_page else self.endpoint)(scope, receive, send)


def page_or(endpoint: ASGIApp) -> PageOr:
    return PageOr(endpoint)


async def home(_: Request) -> Response:
    return RedirectResponse("/graphql")


async def asset(request: Request) -> Response:
    return graphiql().asset(request.path_params["name"], request.query_params.get("v"))


@cache
def graphiql() -> "GraphiQL":
    return GraphiQL()


class GraphiQL:
    """Reads everything once. Only what is in `assets` is served, whatever the address says."""

    def __init__(self, folder: Path = ASSETS) -> None:
        self.assets: dict[str, Asset] = {}
        try:
            self.assets = {name: Asset.of(name, content) for name, content in contents(folder).items()}
            self.html, self.policy = own_page(folder, self.assets), POLICY
        except FileNotFoundError:
            log.warning(HOW_TO_GET_IT_OFFLINE)
            self.html, self.policy = page_from_cdn()

    def response(self) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {"Content-Security-Policy": self.policy.format(nonce=nonce), "Vary": "Authorization, Accept"}
        return HTMLResponse(self.html.replace("{nonce}", nonce), headers=headers)

    def asset(self, name: str, version: str | None) -> Response:
        found = self.assets.get(name)
        if found is None:
            raise HTTPException(404)
        # The page names each file with its version, so that a browser never has to ask again.
        lifetime = "public, max-age=31536000, immutable" if version == found.version else "no-cache"
        return Response(found.content, headers={"Cache-Control": lifetime}, media_type=found.media_type)


def contents(folder: Path) -> dict[str, bytes]:
    from_npm = {name: (folder / "node_modules" / path).read_bytes() for name, path in FROM_NPM.items()}
    own = {name: (folder / name).read_bytes() for name in OWN}
    tabs = {"examples.json": examples(folder), "admin.json": examples(folder, "admin")}
    return {**from_npm, **own, **{name: orjson.dumps(queries) for name, queries in tabs.items()}}


def examples(folder: Path = ASSETS, of: str = "examples") -> list[str]:
    """The queries of the tabs, in the order of their file names."""
    return [path.read_text() for path in sorted((folder / of).glob("*.graphql"))]


def own_page(folder: Path, assets: dict[str, Asset]) -> str:
    html = (folder / "graphiql.html").read_text()
    for name, asset in assets.items():
        html = html.replace(f"{{{name}}}", f"/graphiql/{name}?v={asset.version}")
    return html


def page_from_cdn() -> tuple[str, str]:
    """Strawberry's page and its policy. It would keep tokens for ever in the browser's storage: not here."""
    html = (files("strawberry") / "static" / "graphiql.html").read_text()
    html = html.replace("shouldPersistHeaders: true", "shouldPersistHeaders: false")
    html = html.replace("<body>", f"<body>\n    <p>{HOW_TO_GET_IT_OFFLINE}</p>")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts)
    policy = POLICY.replace("script-src 'self'", f"script-src https://unpkg.com {hashes}")
    return html, policy.replace("style-src 'self' 'nonce-{nonce}'", "style-src https://unpkg.com 'unsafe-inline'")
