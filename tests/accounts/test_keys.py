"""Signing keys: made once, however many ask at once, and closed to others."""

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from feed_service.accounts.keys import TOKEN_FILE, load_or_create, new_token_key
from feed_service.errors import ConfigurationError

PRINT_KEYS = """
import sys
from pathlib import Path
from feed_service.accounts.keys import load_or_create
sys.stdin.readline()
keys = load_or_create(Path(sys.argv[1]))
print(keys.key_id, keys.cursor.hex())
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_keys_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "keys"
    first, second = load_or_create(folder), load_or_create(folder)
    assert (first.key_id, first.cursor) == (second.key_id, second.cursor)
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
    assert keys.key_id == load_or_create(folder, token_pem=pem, cursor_secret=secret).key_id
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
