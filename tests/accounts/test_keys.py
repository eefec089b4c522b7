"""Signing keys: made once, however many ask at once, and closed to others."""

import base64
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from feed_service.accounts.keys import (
    KNOWN_BEFORE,
    NOTICED_WITHIN,
    TOKEN_FILE,
    SigningKeys,
    keys_in,
    load_or_create,
    rotate,
)
from feed_service.accounts.token_keys import KNOWN_STALE_S, UNKNOWN_STALE_S, TokenKeys, new_token_key
from feed_service.accounts.tokens import Bearer, mint, verify
from feed_service.errors import ConfigurationError, Unauthenticated

PRINT_KEYS = """
import sys
from pathlib import Path
from feed_service.accounts.keys import load_or_create
sys.stdin.readline()
keys = load_or_create(Path(sys.argv[1]))
print(keys.token.signing().key_id, keys.cursor.hex())
"""


HOUR = timedelta(hours=1)
LONGEST = 12 * HOUR
NOW = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)


def signer(keys: SigningKeys) -> str:
    return keys.token.signing().key_id


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    first, second = load_or_create(folder), load_or_create(folder)
    assert (signer(first), first.cursor) == (signer(second), second.cursor)
    assert len(first.cursor) == 32
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 2


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PRINT_KEYS, str(tmp_path / "keys")]
    started = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = {process.communicate(timeout=20)[0] for process in started}
    assert len(printed) == 1
    assert len(printed.pop().split()) == 2


def test_what_a_crash_left_unfinished_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    (folder / TOKEN_FILE).with_suffix(".unfinished").write_bytes(b"half")
    load_or_create(folder)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("which", ["", TOKEN_FILE])
def test_keys_that_others_can_read_are_refused(tmp_path: Path, which: str) -> None:
    folder = tmp_path / "keys"
    load_or_create(folder)
    (folder / which).chmod(0o755)
    with pytest.raises(ConfigurationError, match="chmod go="):
        load_or_create(folder)


def test_configured_keys_need_no_folder(tmp_path: Path) -> None:
    pem, secret = new_token_key().decode(), base64.b64encode(b"s" * 32).decode()
    folder = tmp_path / "keys"
    keys = load_or_create(folder, token_pem=pem, cursor_secret=secret)
    assert signer(keys) == signer(load_or_create(folder, token_pem=pem, cursor_secret=secret))
    assert keys.cursor == b"s" * 32
    assert not folder.exists()


def rsa_pem() -> str:
    return generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "pem", ["nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", rsa_pem()]
)
def test_a_key_that_cannot_be_used_is_refused(tmp_path: Path, pem: str) -> None:
    with pytest.raises(ConfigurationError, match="key for tokens"):
        load_or_create(tmp_path / "keys", token_pem=pem)


@pytest.mark.parametrize("secret", ["%%%", base64.b64encode(b"short").decode()])
def test_a_secret_that_cannot_be_used_is_refused(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="secret for cursors"):
        load_or_create(tmp_path / "keys", cursor_secret=secret)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    @property
    def date(self) -> datetime:
        return NOW + timedelta(seconds=self.now - 1_000)


def reading(folder: Path, clock: Clock) -> SigningKeys:
    """The keys as a process has them that is running, with a clock to turn."""
    loaded = load_or_create(folder)
    return SigningKeys(TokenKeys(lambda: keys_in(folder, clock.date), clock), loaded.cursor)


def test_running_processes_change_to_a_new_key_without_refusing_a_token_of_either(tmp_path: Path) -> None:
    """Whichever of them turns to it first, and however often they are asked."""
    folder, clock = tmp_path / "keys", Clock()
    running = [reading(folder, clock) for _ in range(3)]
    old = signer(running[0])
    tokens = [mint(running[0], Bearer(7), lifetime=LONGEST, now=NOW)]
    assert rotate(folder, NOW, LONGEST) == 0
    signers = []
    for tenth in range(100):
        clock.now += 0.1
        keys = running[tenth % 3 // 2]
        tokens.append(mint(keys, Bearer(7), lifetime=LONGEST, now=NOW))
        signers.append(signer(keys))
        running.append(reading(folder, clock))
        assert {
            verify(other, token, NOW) for other in running[:3] + running[-1:] for token in (tokens[0], tokens[-1])
        } == {Bearer(7)}
    assert signers[:49] == [old] * 49
    assert len(set(signers[70:])) == 1
    assert signers[-1] != old
    assert {mode(path) for path in folder.iterdir()} == {0o600}


def test_a_token_of_an_unknown_key_makes_a_process_look_again_but_not_each_time(tmp_path: Path) -> None:
    folder, clock, later = tmp_path / "keys", Clock(), Clock()
    running = reading(folder, clock)
    assert rotate(folder, NOW, LONGEST) == 0
    later.now += KNOWN_BEFORE.total_seconds()
    token = mint(reading(folder, later), Bearer(7), lifetime=HOUR, now=NOW)
    clock.now += UNKNOWN_STALE_S / 2
    with pytest.raises(Unauthenticated):
        verify(running, token, NOW)
    clock.now += UNKNOWN_STALE_S / 2
    assert verify(running, token, NOW) == Bearer(7)


def test_a_key_that_has_leaked_is_taken_away_from_running_processes(tmp_path: Path) -> None:
    folder, clock = tmp_path / "keys", Clock()
    running = reading(folder, clock)
    leaked = mint(running, Bearer(7), lifetime=LONGEST, now=NOW)
    assert rotate(folder, NOW, LONGEST) == 0
    clock.now += KNOWN_BEFORE.total_seconds()
    good = mint(running, Bearer(7), lifetime=LONGEST, now=NOW)
    (folder / TOKEN_FILE).unlink()
    clock.now += KNOWN_STALE_S
    assert verify(running, good, NOW) == Bearer(7)
    with pytest.raises(Unauthenticated):
        verify(running, leaked, NOW)


def test_a_key_is_dropped_when_its_last_token_has_expired(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = mint(load_or_create(folder), Bearer(7), lifetime=LONGEST, now=NOW)
    assert rotate(folder, NOW, LONGEST) == 0
    replaced_for = KNOWN_BEFORE + LONGEST + NOTICED_WITHIN
    assert rotate(folder, NOW + replaced_for, LONGEST) == 0
    assert verify(load_or_create(folder), first, NOW) == Bearer(7)
    assert rotate(folder, NOW + replaced_for + HOUR, LONGEST) == 1
    with pytest.raises(Unauthenticated):
        verify(load_or_create(folder), first, NOW)
    assert len(list(folder.glob("tokens*.pem"))) == 3
    assert not (folder / TOKEN_FILE).exists()


def test_keys_that_cannot_be_read_again_stay_in_use(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder, clock = tmp_path / "keys", Clock()
    running = reading(folder, clock)
    token = mint(running, Bearer(7), lifetime=HOUR, now=NOW)
    (folder / TOKEN_FILE).chmod(0o644)
    clock.now += 60
    assert verify(running, token, NOW) == Bearer(7)
    assert "those known stay in use" in caplog.text


def test_of_several_configured_keys_the_first_signs_and_all_are_taken(tmp_path: Path) -> None:
    old, new = new_token_key().decode(), new_token_key().decode()
    secret = base64.b64encode(b"s" * 32).decode()
    before = load_or_create(tmp_path / "keys", token_pem=old, cursor_secret=secret)
    after = load_or_create(tmp_path / "keys", token_pem=new + old, cursor_secret=secret)
    only_new = load_or_create(tmp_path / "keys", token_pem=new, cursor_secret=secret)
    token = mint(before, Bearer(7), lifetime=HOUR, now=NOW)
    assert verify(after, token, NOW) == Bearer(7)
    assert signer(after) == signer(only_new) != signer(before)
    with pytest.raises(Unauthenticated):
        verify(only_new, token, NOW)
