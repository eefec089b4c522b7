"""Who takes part in `make bench`: our service in three dresses, and its peers, each a server of its own."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from benchmarks.asking import OF_PEERS, Cast, Operation, operation, tokens_of
from benchmarks.load import Poller
from benchmarks.peers import asked, equal
from benchmarks.peers import started as peers
from benchmarks.served import SERVICE, UNCACHED, Server, fired, running, started
from feed_service import footprint
from feed_service.app import signing_keys
from feed_service.settings import Settings

CACHED, PLAIN, REFERENCE = "service, caches on", "service, caches off", "service, graphql-core"

NO_CACHES = {"AIOCACHE_DISABLE": "1", "FEED_ENTITY_CACHE": "off", "PORT": "0", **footprint.ENVIRONMENT}
"""And no answer is sent again: see `uncached_site`, which starts in the environment that `serve` goes over to."""

OURS: dict[str, tuple[Sequence[str], dict[str, str]]] = {
    CACHED: (SERVICE, {}),
    PLAIN: (UNCACHED, NO_CACHES),
    REFERENCE: (UNCACHED, NO_CACHES | {"FEED_EXECUTOR": "reference"}),
}


@dataclass(frozen=True)
class Entrant:
    """A running server, and how it is asked for what it serves."""

    name: str
    server: Server
    pollers: Callable[[Operation], list[Poller]]
    serves: Callable[[str], bool]

    def plain(self, name: str, body: str) -> Any:  # noqa: ANN401 - JSON.
        """An answer as it compares with those of others."""
        return equal.plain("service" if self.name in OURS else self.name, name, body)


@contextmanager
def running_all(url: str, cast: Cast, names: Sequence[str]) -> Iterator[list[Entrant]]:
    """Ours first. Peers that cannot run here say why, and are left out."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = {"DATABASE_URL": url, "FEED_DATA_DIR": str(folder), "FEED_JOBS": "off"}
        tokens = tokens_of(cast.viewers, signing_keys(Settings.from_environment(environment)))
        found = []
        for name in (name for name in OURS if name in names):
            arguments, further = OURS[name]
            server = stack.enter_context(running(name, arguments, environment | further))
            found.append(Entrant(name, server, lambda operation: operation.pollers(tokens), lambda _: True))
        for name in (name for name in peers.NAMES if name in names):
            argv = peers.made_ready(name, url)
            if argv is not None:
                server = stack.enter_context(started(name, [*argv, "0"], {"DATABASE_URL": url}))
                found.append(peer(name, server))
        yield found


def peer(name: str, server: Server) -> Entrant:
    def pollers(operation: Operation) -> list[Poller]:
        turns = operation.turns
        return [asked.poller(name, operation.name, viewer_id=viewer, variables=dict(given)) for viewer, given in turns]

    return Entrant(name, server, pollers, OF_PEERS.__contains__)


def operations(names: Sequence[str], cast: Cast, ours: Entrant) -> list[Operation]:
    found = [operation(name, cast) for name in names]
    return [since(one, ours) if one.name == "head" else one for one in found]


def since(head: Operation, ours: Entrant) -> Operation:
    """The poll of those who have seen everything: each with the token that the service gives for now."""
    first = replace(head, document=head.document.replace("SyncToken!", "SyncToken"))
    tokens = [answer["feedHead"]["token"] for answer in answers(ours, first)]
    turns = [(viewer, {"since": token}) for (viewer, _), token in zip(head.turns, tokens, strict=True)]
    return replace(head, turns=turns)


def answers(entrant: Entrant, what: Operation) -> list[Any]:
    """Each turn once, in order: the data of the answers."""
    found = [orjson.loads(body) for body in bodies(entrant, what)]
    if bad := [answer for answer in found if answer.get("errors") or not answer.get("data")]:
        raise SystemExit(f"{entrant.name} does not answer {what.name}: {bad[0]}")
    return [answer["data"] for answer in found]


def bodies(entrant: Entrant, what: Operation) -> list[str]:
    return fired(entrant.server.port, 1, 0, entrant.pollers(what)).bodies


def disagreements(found: Sequence[Entrant], what: Operation, most: int) -> list[str]:
    """What differs by value in the first `most` answers, as a sentence each; empty if all say the same."""
    asked_for = replace(what, turns=what.turns[:most])
    told = {
        entrant.name: [entrant.plain(what.name, body) for body in bodies(entrant, asked_for)]
        for entrant in found
        if entrant.serves(what.name)
    }
    (first, expected), *others = told.items()
    return [
        f"{what.name}, request {number}: {name} differs from {first}:\n  {str(one)[:2_000]}\n  {str(other)[:2_000]}"
        for name, answered in others
        for number, (one, other) in enumerate(zip(answered, expected, strict=True))
        if one != other
    ]
