"""Signed roots of the log: checkpoints of C2SP (tlog-checkpoint, signed-note) with Ed25519, and the key for them."""

import base64
import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519: Final = b"\x01"  # the type of a signature in a signed note
_PEM: Final = re.compile(rb"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
_NOTE: Final = re.compile(
    r"(?P<text>(?P<origin>\S+)\n(?P<size>\d+)\n(?P<root>\S+)\nat (?P<at>\S+)\n)\n— (?P<name>\S+) (?P<signature>\S+)\n"
)


class BadCheckpoint(Exception):
    """Not a checkpoint, or not signed by a key of ours; says which."""


class BadKey(Exception):
    """The file of the audit key holds something else."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """So many events had this root at that time."""

    origin: str  # whose log: host and path
    size: int
    root: bytes
    at: datetime

    def text(self) -> str:
        root = base64.b64encode(self.root).decode("ascii")
        return f"{self.origin}\n{self.size}\n{root}\nat {self.at.isoformat(timespec='milliseconds')}\n"


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """The first signs, when it is private; all of them verify, so that the log outlives a key."""

    private: Ed25519PrivateKey | None
    public: tuple[Ed25519PublicKey, ...]

    @classmethod
    def load(cls, *paths: Path) -> "AuditKeys":
        """Keys in PEM, several a file. Raises BadKey, OSError."""
        private: Ed25519PrivateKey | None = None
        public: list[Ed25519PublicKey] = []
        for path in paths:
            for found in _PEM.finditer(path.read_bytes()):
                key = _key(path, found[0])
                if isinstance(key, Ed25519PrivateKey):
                    private = private or key
                    key = key.public_key()
                public.append(key)
        if not public:
            raise BadKey(f"{', '.join(map(str, paths))}: there is no Ed25519 key in PEM")
        return cls(private, tuple(public))

    @classmethod
    def load_or_make(cls, path: Path) -> "AuditKeys":
        """Makes the file, for its owner's eyes only, where there is none. Raises BadKey, OSError."""
        if not path.exists():
            _make(path)
        keys = cls.load(path)
        if keys.private is None:
            raise BadKey(f"{path}: there is no private key to sign with")
        return keys

    def sign(self, checkpoint: Checkpoint) -> str:
        """The checkpoint as a signed note. Raises BadKey where there is only a public key."""
        if self.private is None:
            raise BadKey("there is no private key to sign with")
        text, public = checkpoint.text(), self.private.public_key()
        signature = key_id(checkpoint.origin, public) + self.private.sign(text.encode("utf-8"))
        return f"{text}\n— {checkpoint.origin} {base64.b64encode(signature).decode('ascii')}\n"

    def open(self, note: str) -> Checkpoint:
        """Raises BadCheckpoint."""
        found = _NOTE.fullmatch(note)
        if not found:
            raise BadCheckpoint("is not a checkpoint")
        try:
            signature = base64.b64decode(found["signature"], validate=True)
            root, at = base64.b64decode(found["root"], validate=True), datetime.fromisoformat(found["at"])
        except ValueError:
            raise BadCheckpoint("is not a checkpoint") from None
        for key in self.public:
            if signature[:4] == key_id(found["name"], key):
                try:
                    key.verify(signature[4:], found["text"].encode("utf-8"))
                except InvalidSignature:
                    raise BadCheckpoint("has a wrong signature") from None
                return Checkpoint(found["origin"], int(found["size"]), root, at)
        raise BadCheckpoint("is signed with a key that is not ours")


def key_id(name: str, key: Ed25519PublicKey) -> bytes:
    """Four bytes that tell keys apart (signed-note, "Verifiers"); they prove nothing."""
    return hashlib.sha256(name.encode("utf-8") + b"\n" + _ED25519 + raw(key)).digest()[:4]


def raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def public_pem(keys: Sequence[Ed25519PublicKey]) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return b"".join(key.public_bytes(serialization.Encoding.PEM, spki) for key in keys).decode("ascii")


def _key(path: Path, pem: bytes) -> Ed25519PrivateKey | Ed25519PublicKey:
    key: object = None
    with contextlib.suppress(ValueError, TypeError, UnsupportedAlgorithm):
        private = b"PRIVATE" in pem.partition(b"\n")[0]
        key = (
            serialization.load_pem_private_key(pem, None) if private else serialization.load_pem_public_key(pem)
        )  # what cannot be read at all is told like a key of another kind
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        raise BadKey(f"{path}: there is something else than an Ed25519 key without a password")
    return key


def _make(path: Path) -> None:
    """Whole or not at all; of several processes that start together one makes it."""
    pkcs8 = serialization.PrivateFormat.PKCS8
    pem = Ed25519PrivateKey.generate().private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
