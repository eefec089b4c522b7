"""From CACHE_URL to a client of Redis or Valkey: one server, Sentinel or Cluster, with a password and TLS."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from feed_service.cache.addresses import FORMS
from feed_service.errors import ConfigurationError

CONNECT_S = 1.0
SENTINEL_S = 0.3
"""How long one sentinel may take to answer before the next is asked."""


class Client(NamedTuple):
    commands: Any
    close: Callable[[], Awaitable[object]]
    is_cluster: bool = False


def client_at(url: str) -> Client:
    """Nothing is sent before the first command.

    Raises:
        ConfigurationError: the URL has none of the `FORMS`.
    """
    scheme, _, kind = urlsplit(url).scheme.partition("+")
    makers = {"": _single, "sentinel": _sentinel, "cluster": _cluster}
    if scheme not in {"redis", "rediss"} or kind not in makers:
        raise ConfigurationError(FORMS)
    try:
        return makers[kind](url.replace(f"{scheme}+{kind}:", f"{scheme}:", 1))
    except (ValueError, TypeError) as error:
        raise ConfigurationError(FORMS) from error


def _patience() -> dict[str, Any]:
    """What is the same for all connections.

    The time limit of an operation is that of `Store`: redis-py's own costs a task for each. Protocol 2, because with 3
    redis-py by default no longer refuses a pooled connection on which an answer is left over.
    """
    return {
        "protocol": 2,
        "socket_timeout": None,
        "socket_connect_timeout": CONNECT_S,
        "retry": Retry(NoBackoff(), 0),
        # Saying who connects would cost each connection a round trip more, within the same 50 ms.
        "driver_info": None,
    }


def _single(url: str) -> Client:
    if not urlsplit(url).hostname:
        raise ConfigurationError(FORMS)
    client = Redis.from_url(url, **_patience())
    return Client(client, client.aclose)


def _sentinel(url: str) -> Client:
    """Its query may hold `sentinel_username` and `sentinel_password`; the user in the URL is that of the servers."""
    hosts, common = _split(url)
    service, *database = urlsplit(url).path.strip("/").split("/")
    if not service:
        raise ConfigurationError(FORMS)
    own = {name: common.pop(f"sentinel_{name}") for name in ("username", "password") if f"sentinel_{name}" in common}
    tls = {name: value for name, value in common.items() if name.startswith("ssl")}
    of_sentinels = {**_patience(), **tls, **own, "socket_timeout": SENTINEL_S, "socket_connect_timeout": SENTINEL_S}
    common["db"] = int(database[0]) if database else 0
    watch: Any = Sentinel(hosts, sentinel_kwargs=of_sentinels, **common, **_patience())  # type: ignore[no-untyped-call]
    client = watch.master_for(service)

    async def close() -> None:
        await client.aclose()
        for sentinel in watch.sentinels:
            await sentinel.aclose()

    return Client(client, close)


def _cluster(url: str) -> Client:
    hosts, common = _split(url)
    common.pop("db", None)
    # After a lost connection the second attempt asks the cluster anew who has the key.
    patience = _patience() | {"retry": Retry(NoBackoff(), 1), "require_full_coverage": False}
    nodes = [ClusterNode(host, port) for host, port in hosts]
    client = RedisCluster(startup_nodes=nodes, **common, **patience)
    return Client(client, client.aclose, is_cluster=True)


def _split(url: str) -> tuple[list[tuple[str, int]], dict[str, Any]]:
    """(host, port) of each server, and what redis-py makes of the rest."""
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    one = parts._replace(netloc=f"{credentials}{at}first").geturl()
    common: dict[str, Any] = {**parse_url(one)}
    common.pop("host")
    if common.pop("connection_class", None):
        common["ssl"] = True
    named = [urlsplit(f"//{host}") for host in hosts.split(",")]
    if not all(host.hostname and host.port for host in named):
        raise ConfigurationError(FORMS)
    return [(str(host.hostname), int(host.port or 0)) for host in named], common
