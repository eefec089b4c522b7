"""CACHE_URL in all its forms, each against real servers."""

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis.asyncio import Redis

from feed_service.cache import clients
from feed_service.cache.entries import Entry
from feed_service.errors import ConfigurationError
from feed_service.observability import Metrics
from feed_service.settings import Settings
from tests.cache.conftest import Connect, Source
from tests.cache.servers import URL_PASSWORD, Server, free_port, running

NUMBERS = Entry("numbers", version=1, ttl_s=30, tombstone_s=1)
KEYS = list(range(20))


@pytest.mark.parametrize(
    "url",
    [
        "", "memory", "memcached://host", "redis://", "redis://host:port", "redis+sentinel://host:26379",
        "redis+sentinel:///service", "redis+cluster://host", "redis+cluster://host:1,:2", "redis+ring://host:1",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(ConfigurationError, match="CACHE_URL must"):
        clients.client_at(url)


def test_settings_take_every_form() -> None:
    for url in ("memory://", "rediss://h:1/0", "redis+sentinel://h:1,h:2/name", "rediss+cluster://h:1"):
        assert Settings.from_environment({"CACHE_URL": url}).cache_url == url


def failed(metrics: Metrics) -> list[str]:
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    return [str(sample.labels) for sample in samples if sample.name == "feed_cache_errors_total"]


async def test_a_cluster_answers_for_keys_of_all_its_servers(tmp_path: Path, connect: Connect, source: Source) -> None:
    options = ("cluster-enabled yes", "cluster-node-timeout 2000")
    own = [(f"cluster-config-file nodes-{number}.conf", f"cluster-port {free_port()}") for number in range(2)]
    servers = [Server(tmp_path, *options, *lines) for lines in own]
    with running(*servers):
        await join(*servers)
        metrics = Metrics()
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
        url = f"redis+cluster://:{URL_PASSWORD}@{hosts}"
        cache, other = connect(url, metrics), connect(url, metrics)
        await cache.get_many(NUMBERS, KEYS[:10], source)
        assert await other.get_many(NUMBERS, KEYS, source) == [[key, 1] for key in KEYS]
        assert source.asked == KEYS
        assert await cache.get_many(NUMBERS, [3], source) == [[3, 1]]
        source.version = 2
        await cache.drop(NUMBERS, KEYS)
        assert await other.get_many(NUMBERS, KEYS, source) == [[key, 2] for key in KEYS]
        assert await cache.lead("x", 10)
        assert not await other.lead("x", 10)
        assert failed(metrics) == []
        for server in servers:
            async with Redis.from_url(server.url) as client:
                assert len(await client.keys("feed1:numbers:*")) > 0


async def join(first: Server, second: Server) -> None:
    one: Any = Redis.from_url(first.url)
    two: Any = Redis.from_url(second.url)
    async with one, two:
        await one.execute_command("CLUSTER ADDSLOTSRANGE", 0, 8191)
        await two.execute_command("CLUSTER ADDSLOTSRANGE", 8192, 16383)
        _, bus = (await two.config_get("cluster-port")).popitem()
        await one.execute_command("CLUSTER MEET", "127.0.0.1", second.port, bus)
        for _ in range(1_000):
            states = [await client.execute_command("CLUSTER INFO") for client in (one, two)]
            if all((state["cluster_state"], state["cluster_known_nodes"]) == ("ok", "2") for state in states):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(states)


@pytest.mark.usefixtures("impatient")
async def test_sentinel_says_who_is_in_charge_now(tmp_path: Path, connect: Connect, source: Source) -> None:
    at_once = "repl-diskless-sync-delay 0"
    first = Server(tmp_path, at_once)
    second = Server(tmp_path, f"replicaof 127.0.0.1 {first.port}", at_once)
    watch = [
        'requirepass "of sentinel"',
        f"sentinel monitor feeds 127.0.0.1 {first.port} 1",
        'sentinel auth-pass feeds "a password, for tests"',
        "sentinel down-after-milliseconds feeds 200",
    ]
    sentinel = Server(tmp_path, *watch, sentinel=True)
    with running(first, second, sentinel):
        hosts = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}"
        cache = connect(f"redis+sentinel://:{URL_PASSWORD}@{hosts}/feeds/0?sentinel_password=of%20sentinel")
        await cache.get_many(NUMBERS, [1], source)
        async with Redis.from_url(first.url) as client:
            assert await client.keys() == [NUMBERS.key(1).encode()]
            await replicated(client)
        await known_to(sentinel)
        first.kill()
        for _ in range(1_000):
            source.asked.clear()
            assert await cache.get_many(NUMBERS, [2], source) == [[2, 1]]
            if not source.asked:
                break
            await asyncio.sleep(0.01)
        assert source.asked == []
        async with Redis.from_url(second.url) as client:
            assert NUMBERS.key(2).encode() in await client.keys()


async def replicated(primary: Redis) -> None:
    for _ in range(1_000):
        if (await primary.info("replication")).get("slave0", {}).get("state") == "online":
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await primary.info("replication"))


async def known_to(sentinel: Server) -> None:
    client: Any = Redis(port=sentinel.port, password="of sentinel")
    async with client:
        for _ in range(1_500):
            if await client.execute_command("SENTINEL REPLICAS", "feeds"):
                return
            await asyncio.sleep(0.01)
    raise AssertionError("the sentinel never heard of the replica")


async def test_tls_checks_who_answers(tmp_path: Path, server: Server, connect: Connect, source: Source) -> None:
    certificate = self_signed(tmp_path)
    async with in_tls(certificate, server.port) as port:
        url = f"rediss://:{URL_PASSWORD}@127.0.0.1:{port}/0"
        trusting = connect(f"{url}?ssl_ca_certs={certificate}")
        for _ in range(2):
            assert await trusting.get_many(NUMBERS, [1], source) == [[1, 1]]
        assert source.asked == [1]
        assert await connect(url).get_many(NUMBERS, [1], source) == [[1, 1]]
        assert source.asked == [1, 1]


def self_signed(folder: Path) -> Path:
    """Key and certificate for 127.0.0.1, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cache")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(secret + made.public_bytes(pem))
    return path


@asynccontextmanager
async def in_tls(certificate: Path, port: int) -> AsyncIterator[int]:
    """A port that speaks TLS before `port`, for the Valkey of the tests does not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, ahead), pump(behind, writer), return_exceptions=True)

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
