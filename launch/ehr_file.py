"""Changes the file of trusted EHRs: whole or not at all, never into one that could not be read, comments kept."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Table

from launch.ehrs import InvalidEHRFile, TrustedEHRs

LONGEST_LINE = 100  # characters; a longer list gets a line for each of its texts
HEADER = "The EHRs that Chartside trusts: nothing is fetched from any other."


def add_ehr(path: Path, settings: Mapping[str, Any]) -> None:
    """Appends an [[ehr]] table; makes the file where there is none.

    Raises InvalidEHRFile, the file untouched, when the result could not be used: a setting is wrong, or the iss is
    listed already. Raises OSError.
    """
    with locked(path):
        document = _read(path) if path.exists() else tomlkit.parse(f"# {HEADER}\n")
        if not document.get("ehr"):
            document["ehr"] = tomlkit.aot()  # in the place of the empty list that the last one left
        tables = document["ehr"]
        if not isinstance(tables, AoT):
            raise InvalidEHRFile(path, ["the EHRs must be written as [[ehr]] tables to be changed from here"])
        table = tomlkit.table()
        for name, value in settings.items():
            table.add(name, _shown(name, value))
        tables.append(table)
        _replace(path, document)


def change_ehr(
    path: Path, iss: str, settings: Mapping[str, Any] | Callable[[dict[str, Any]], Mapping[str, Any]]
) -> None:
    """Changes settings of the EHR with this iss; None takes one away. Raises as `add_ehr`, also for an unknown iss.

    A function is given the settings as they are, and nobody else changes them meanwhile.
    """
    with locked(path):
        document = _read(path)
        table = _find(document, iss)
        if table is None:
            raise _not_listed(path, iss)
        for name, value in (settings(table.unwrap()) if callable(settings) else settings).items():
            if value is None:
                table.pop(name, None)
            else:
                table[name] = _shown(name, value)
        _replace(path, document)


def remove_ehr(path: Path, iss: str) -> None:
    """Takes the [[ehr]] table with this iss away, usable or not; its keys stay. Raises as `change_ehr`.

    The last one leaves an empty list, which trusts nobody.
    """
    with locked(path):
        document = _read(path)
        table = _find(document, iss)
        if table is None:
            raise _not_listed(path, iss)
        tables = document["ehr"]
        tables.remove(table)
        if not tables:
            document["ehr"] = tomlkit.array()
        _replace(path, document)


def read_ehr(path: Path, iss: str) -> Mapping[str, Any]:
    """The settings of the EHR with this iss as they stand there, usable or not. Raises InvalidEHRFile."""
    table = _find(_read(path), iss)
    if table is None:
        raise _not_listed(path, iss)
    return table.unwrap()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One change at a time, of the file and the keys beside it; the folder is the lock, since the file is replaced."""
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def write_private(path: Path, text: str, like: Path) -> None:
    """A file whole or not at all, on disk before it has its name; a new one is for its owner's eyes only.

    The owner is that of `like`, where there is one: the application can still read what an admin changed as root.
    """
    target = path.resolve()  # the file behind a symbolic link
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    owner = (like.stat().st_uid, like.stat().st_gid) if like.exists() else (-1, -1)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            os.fchown(descriptor, *owner)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        text = path.read_text("utf-8")
        return tomlkit.parse(text if text.endswith("\n") else text + "\n")  # else it appends to the last line
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise InvalidEHRFile(path, [f"cannot be read: {error}"]) from None


def _not_listed(path: Path, iss: str) -> InvalidEHRFile:
    return InvalidEHRFile(path, [f"there is no [[ehr]] table with iss = {iss!r}"])


def _find(document: tomlkit.TOMLDocument, iss: str) -> Table | None:
    tables = document.get("ehr")
    for table in tables if isinstance(tables, AoT) else ():
        if isinstance(table, Table) and str(table.get("iss", "")).removesuffix("/") == iss.removesuffix("/"):
            return table
    return None


def _shown(name: str, value: Any) -> Any:
    """A list too long for a line gets one for each text."""
    if not isinstance(value, list | tuple):
        return value
    shown: Array = tomlkit.array()
    shown.extend(value)
    return shown.multiline(len(f"{name} = {shown.as_string()}") > LONGEST_LINE)


def _replace(path: Path, document: tomlkit.TOMLDocument) -> None:
    text = tomlkit.dumps(document)
    TrustedEHRs.from_text(text, path)
    write_private(path, text, like=path)
