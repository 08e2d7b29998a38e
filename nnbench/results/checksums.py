"""Checksums of results, by which damage is found."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Damage(Exception):
    """What is wrong with a part or a table."""


def checksum(content: bytes) -> str:
    """The length and the SHA-256 of some bytes."""
    return f"{len(content)}:{hashlib.sha256(content).hexdigest()}"


def sealed(document: Mapping[str, Any]) -> bytes:
    """JSON that carries its own checksum, in the one form that `unsealed` accepts."""
    seal = checksum(json.dumps(document).encode())
    return json.dumps({"document": document, "seal": seal}, indent=1).encode()


def unsealed(content: bytes, name: str) -> dict[str, Any]:
    """The document in sealed JSON. Errors: Damage where its checksum is not its own."""
    try:
        document = json.loads(content)["document"]
        sound = sealed(document) == content
    except (ValueError, TypeError, KeyError, RecursionError):
        sound = False
    if not sound:
        raise Damage(f"{name} does not match its checksum")
    return dict(document)


def content_of(path: Path) -> bytes:
    """The bytes of a file. Errors: Damage where there is no such file."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise Damage(f"{path.name} is missing") from error


def checked(folder: Path, name: str, known: Mapping[str, Sequence[str]]) -> bytes:
    """The bytes of a file that match one of its known checksums. Errors: Damage."""
    content = content_of(folder / name)
    if checksum(content) not in known.get(name, ()):
        raise Damage(f"{name} does not match its checksum")
    return content
