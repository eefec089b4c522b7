"""Manifests of trusted documents, as the tools of the clients write them, read and checked when the service starts."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import orjson

from feed_service.errors import ConfigurationError, FeedError
from feed_service.execution.documents import Documents

VARIABLE = "FEED_TRUSTED_DOCUMENTS"
APOLLO = "apollo-persisted-query-manifest"
MAX_ID_LENGTH = 200


def load(paths: Sequence[Path], documents: Documents) -> dict[str, str]:
    """Texts by id, of all manifests together.

    A manifest is an object {id: text}, as the tools of urql, Codegen and Relay (whose ids are hashes) write it, or one
    of Apollo's.

    Raises:
        ConfigurationError: one cannot be read, is no manifest, or holds a document that this service would refuse.
    """
    found: dict[str, str] = {}
    for path in paths:
        for name, text in texts_of(path).items():
            if found.setdefault(name, text) != text:
                refuse(path, f"gives the id {name} to another document than a manifest before it")
            try:
                documents.check(text)
            except FeedError as refusal:
                refuse(path, f"holds a document {name} that cannot be used: {refusal}")
    return found


def texts_of(path: Path) -> dict[str, str]:
    try:
        manifest = orjson.loads(path.read_bytes())
    except OSError as error:
        refuse(path, f"cannot be read: {error.strerror}")
    except orjson.JSONDecodeError as error:
        refuse(path, f"is not valid JSON: {error.msg}")
    if isinstance(manifest, dict) and manifest.get("format") == APOLLO:
        manifest = of_apollo(path, manifest)
    if not isinstance(manifest, dict) or not all(isinstance(text, str) for text in manifest.values()):
        refuse(path, f"is neither an object of ids and texts nor an {APOLLO}")
    if any(not 0 < len(name) <= MAX_ID_LENGTH for name in manifest):
        refuse(path, f"holds an id that is empty or longer than {MAX_ID_LENGTH} characters")
    return manifest


def of_apollo(path: Path, manifest: dict[str, object]) -> dict[str, str]:
    operations = manifest.get("operations")
    if manifest.get("version") != 1 or not isinstance(operations, list):
        refuse(path, f"is no {APOLLO} of version 1 with a list of operations")
    found: dict[str, str] = {}
    for operation in operations:
        members = operation if isinstance(operation, dict) else {}
        name, text = members.get("id"), members.get("body")
        if not isinstance(name, str) or not isinstance(text, str):
            refuse(path, "holds an operation without an id and a body")
        if found.setdefault(name, text) != text:
            refuse(path, f"gives the id {name} to two documents")
    return found


def refuse(path: Path, what: str) -> NoReturn:
    raise ConfigurationError(f"{VARIABLE}: the manifest {path} {what.rstrip('.')}.")
