"""A small real identity provider on the loopback: it serves its keys, changes them, breaks, and signs tokens."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

AUDIENCE = "feed"
KINDS: dict[str, Any] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2_048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}
SIGNERS: dict[str, Any] = get_default_algorithms()
WRITTEN: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


@dataclass
class SmallProvider:
    """`answers`: path -> (status, body or place to go to). `asked` are the paths that were asked for."""

    issuer: str = ""
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def keys_url(self) -> str:
        return f"{self.issuer}/keys"

    def add(self, key_id: str, algorithm: str = "ES256", key: Any = None) -> None:  # noqa: ANN401 - any kind of key.
        self.keys[key_id] = (algorithm, key or KINDS[algorithm]())
        self.publish()

    def drop(self, key_id: str) -> None:
        del self.keys[key_id]
        self.publish()

    def publish(self, *others: Any) -> None:  # noqa: ANN401 - JSON.
        """The keys, and whatever else a provider has beside them."""
        written = [public(key_id, algorithm, key) for key_id, (algorithm, key) in self.keys.items()]
        self.answers["/keys"] = (200, json.dumps({"keys": [*others, *written]}).encode())
        document = {"issuer": self.issuer, "jwks_uri": self.keys_url}
        self.answers["/.well-known/openid-configuration"] = (200, json.dumps(document).encode())

    def break_down(self, status: int = 500, body: bytes = b"") -> None:
        self.answers = dict.fromkeys(self.answers, (status, body))

    def token(self, key_id: str, header: dict[str, Any] | None = None, **changes: Any) -> str:  # noqa: ANN401 - claims.
        """A good one but for `changes`; a claim of None is left out."""
        algorithm, key = self.keys[key_id]
        now = int(datetime.now(UTC).timestamp())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": "subject", "iat": now, "exp": now + 300} | changes
        kept = {name: value for name, value in claims.items() if value is not None}
        signer = SIGNERS[algorithm]
        return written_token(
            {"alg": algorithm, "kid": key_id} | (header or {}), kept, lambda body: signer.sign(body, key)
        )


def written_token(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    """By hand: PyJWT refuses to write most of what a forger would."""
    body = ".".join(unpadded(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}.{unpadded(sign(body.encode()))}"


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def public(key_id: str, algorithm: str, key: Any) -> dict[str, Any]:  # noqa: ANN401 - any kind of key.
    written = json.loads(WRITTEN[algorithm].to_jwk(key.public_key()))
    return {key: value for key, value in written.items() if key != "key_ops"} | {"kid": key_id, "use": "sig"}


def secret_key(key_id: str, secret: bytes) -> dict[str, Any]:
    return {"kty": "oct", "kid": key_id, "k": unpadded(secret), "alg": "HS256"}


@contextmanager
def identity_provider(port: int = 0) -> Iterator[SmallProvider]:
    provider = SmallProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.asked.append(self.path)
            status, body = provider.answers.get(self.path, (404, b""))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
