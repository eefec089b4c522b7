"""The embedded Valkey serves who knows its address, and nobody after its owner."""

from pathlib import Path

import pytest
from redis import AuthenticationError, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from feed_service.embedded import valkey
from tests.embedded.programs import is_running, said_by, started, survivors

OWNER = """
import sys, time
from pathlib import Path
from feed_service.embedded import valkey
with valkey.running(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


def test_it_keeps_what_it_is_given(valkey_url: str) -> None:
    with Redis.from_url(valkey_url) as client:
        client.set("greeting", "hello")
        assert client.get("greeting") == b"hello"


def test_it_refuses_who_does_not_know_the_password(valkey_url: str) -> None:
    port = int(valkey_url.rsplit(":", 1)[1].removesuffix("/0"))
    with Redis(port=port, retry=Retry(NoBackoff(), 0)) as client, pytest.raises(AuthenticationError):
        client.get("greeting")


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_it_ends_with_its_block(tmp_path: Path) -> None:
    with valkey.running(tmp_path) as server:
        assert is_running(server.pid)
    assert survivors([server.pid]) == []


def test_it_ends_with_an_owner_that_is_killed(tmp_path: Path) -> None:
    with started(OWNER, tmp_path) as owner:
        server = int(said_by(owner)[0])
        owner.kill()
    assert survivors([server]) == []
