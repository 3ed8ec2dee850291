"""Changes the key that proves us to an EHR, in three steps: publish a new one, sign with it, drop the old one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from launch.client_keys import SigningKey, create_pem
from launch.ehr_file import change_ehr, write_private
from launch.ehrs import PRIVATE_KEY, InvalidEHRFile

FIRST = "sign with it first (--activate), or, where the EHR does not take it, drop it with --drop --at-once"
CACHED = timedelta(hours=1)  # an EHR may keep our JWK Set for so long: max-age of /jwks.json


class TooEarly(Exception):
    """An EHR may not have seen the new key yet; `at` is when all have."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"EHRs may keep the published keys for an hour: sign with the new one after {at:%H:%M} UTC")


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of key files beside the list of EHRs: the first signs, all are published."""

    signs: str
    also: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def kid(self, path: Path, name: str) -> str:
        return SigningKey.load(path.parent / name).kid


def publish(path: Path, iss: str, alg: str) -> Keys:
    """Makes a key and publishes it behind the one that signs. Raises InvalidEHRFile, OSError."""
    pem = create_pem(alg)
    name = f"client-key-{SigningKey.from_pem(pem.encode()).kid[:12]}.pem"

    def add(names: list[str]) -> list[str]:
        if len(names) > 1:
            raise InvalidEHRFile(path, ["two keys are published already: sign with the new one, or drop one, first"])
        write_private(path.parent / name, pem, like=path)
        return [*names, name]

    return _changed(path, iss, add)


def activate(path: Path, iss: str, now: datetime, *, at_once: bool = False) -> Keys:
    """Signs with the key published last; the other stays published, and a second time takes it back.

    Raises TooEarly, InvalidEHRFile, OSError.
    """

    def turn(names: list[str]) -> list[str]:
        if len(names) < 2:
            raise InvalidEHRFile(path, ["only one key is published: there is no other to sign with"])
        seen_by_all = datetime.fromtimestamp((path.parent / names[-1]).stat().st_mtime, UTC) + CACHED
        if now < seen_by_all and not at_once:
            raise TooEarly(seen_by_all)
        return [names[-1], *names[:-1]]

    return _changed(path, iss, turn)


def drop(path: Path, iss: str, *, newer: bool = False) -> Keys:
    """Publishes the key that signs and no other; the files stay. One newer than it is dropped only where said so.

    Raises InvalidEHRFile, OSError.
    """

    def first(names: list[str]) -> list[str]:
        if len(names) < 2:
            raise InvalidEHRFile(path, ["only one key is published: there is none to drop"])
        signs, last = path.parent / names[0], path.parent / names[-1]
        if not newer and last.exists() and last.stat().st_mtime > signs.stat().st_mtime:
            raise InvalidEHRFile(path, [f"{names[-1]} is newer than the key that signs: {FIRST}"])
        return names[:1]

    return _changed(path, iss, first)


def _changed(path: Path, iss: str, change: Callable[[list[str]], list[str]]) -> Keys:
    before: list[str] = []
    after: list[str] = []

    def settings(table: dict[str, Any]) -> dict[str, Any]:
        if table.get("client_auth", PRIVATE_KEY) != PRIVATE_KEY:
            raise InvalidEHRFile(path, [f"{iss} is not told who we are by a key: client_auth is not {PRIVATE_KEY}"])
        before[:] = table.get("private_keys", [])
        after[:] = change(list(before))
        return {"private_keys": after}

    change_ehr(path, iss, settings)
    return Keys(after[0], tuple(after[1:]), tuple(name for name in before if name not in after))
