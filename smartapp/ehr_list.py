"""What an admin does with the list of trusted EHRs: the same for the command and the page."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tomlkit

from launch.client_keys import create_pem
from launch.ehr_file import add_ehr, change_ehr, write_private
from launch.ehrs import EHR, GENERIC, LISTS, PRIVATE_KEY, SWITCHES, InvalidEHRFile, TrustedEHRs
from launch.transport import is_secure
from smartapp.scopes import scope_words

CHANGED_OTHERWISE = {  # settings that `change` refuses, and why
    "iss": "another address is another EHR: add it",
    "client_secret": "words of a command are seen by others of this machine: write it into the list by hand",
    "private_keys": "keys are changed by chartside keys rotate",
}
SECRET_TO_PASTE = "the secret that the EHR gave you"  # noqa: S105 - in the place of one


@dataclass(frozen=True, slots=True)
class NewEHR:
    """What an admin types about an EHR; the rest follows from its vendor."""

    iss: str
    name: str
    client_id: str
    vendor: str = GENERIC
    client_auth: str = PRIVATE_KEY
    client_secret: str | None = None
    alg: str = "ES384"  # of the key that is made for private_key_jwt
    scopes: tuple[str, ...] = ()  # none: what this vendor's EHR is asked for
    scope_version: str = "v2"
    embed_origins: tuple[str, ...] = ()
    assume_s256: bool = False

    @property
    def key_file(self) -> str:
        """Beside the list: named after the EHR."""
        parts = urlsplit(self.iss)
        words = re.sub(r"[^a-z0-9]+", "-", f"{parts.hostname or ''}{parts.path}".lower()).strip("-")
        return f"{words[:60] or 'ehr'}-key.pem"

    def table(self) -> dict[str, Any]:
        """The [[ehr]] table, in the order in which it is read best."""
        table: dict[str, Any] = {
            "iss": self.iss,
            "name": self.name,
            "client_id": self.client_id,
            "vendor": self.vendor,
            "client_auth": self.client_auth,
        }
        if self.client_auth == PRIVATE_KEY:
            table["private_keys"] = [self.key_file]
        if self.client_secret:
            table["client_secret"] = self.client_secret
        table["scopes"] = list(self.scopes or scope_words(self.vendor, self.scope_version))
        if self.embed_origins:
            table["embed_origins"] = list(self.embed_origins)
        return table | ({"assume_s256": True} if self.assume_s256 else {})

    def to_paste(self) -> str:
        """The table as text, without the secret."""
        table = self.table() | ({"client_secret": SECRET_TO_PASTE} if self.client_secret else {})
        return tomlkit.dumps({"ehr": [table]})

    def command(self) -> str:
        """What does the same on the server."""
        words = ["chartside", "ehr", "add", self.iss, "--name", self.name, "--client-id", self.client_id]
        words += ["--vendor", self.vendor, "--client-auth", self.client_auth]
        words += ["--alg", self.alg] if self.client_auth == PRIVATE_KEY else []
        words += ["--scope-version", self.scope_version]
        words += [word for scope in self.scopes for word in ("--scope", scope)]
        words += [word for origin in self.embed_origins for word in ("--embed-origin", origin)]
        words += ["--assume-s256"] if self.assume_s256 else []
        return shlex.join(words)


def add(path: Path, new: NewEHR) -> EHR:
    """Appends the EHR and makes its key. Raises InvalidEHRFile, or OSError where a file cannot be written."""
    key, table = path.parent / new.key_file, new.table()
    made = new.client_auth == PRIVATE_KEY and not key.exists()
    if made:
        write_private(key, create_pem(new.alg), like=path)
    try:
        add_ehr(path, table)
    except (InvalidEHRFile, OSError):
        if made:
            key.unlink(missing_ok=True)
        raise
    return TrustedEHRs.load(path).find(new.iss)


def change(path: Path, iss: str, said: Mapping[str, str]) -> EHR:
    """Sets what was said in words: a list with spaces between, nothing to take the setting away.

    Raises ValueError for what is changed otherwise, else as `add`; the file is then as it was.
    """
    for name in said.keys() & CHANGED_OTHERWISE.keys():
        raise ValueError(f"{name} is not set here: {CHANGED_OTHERWISE[name]}")
    change_ehr(path, iss, {name: _setting(name, words) for name, words in said.items()})
    return TrustedEHRs.load(path).find(iss)


def _setting(name: str, words: str) -> Any:
    """As the file has it; what does not fit stays text, and the file's own check says what it should be."""
    if not words:
        return None
    if name in SWITCHES:
        return {"true": True, "false": False}.get(words, words)
    return words.split() if name in LISTS else words


def read(path: Path) -> tuple[EHR, ...]:
    """None where there is no file yet. Raises InvalidEHRFile."""
    return tuple(TrustedEHRs.load(path)) if path.exists() else ()


@dataclass(frozen=True, slots=True)
class ToCheck:
    """The EHR as listed, or one as it would be added; and what is wrong elsewhere in the list."""

    ehr: EHR
    listed: bool
    broken: tuple[str, ...] = ()


def to_check(path: Path, iss: str, vendor: str) -> ToCheck:
    """Of this vendor, where the EHR is not listed. Raises InvalidEHRFile, ValueError."""
    invalid: InvalidEHRFile | None = None
    try:
        ehrs = read(path)
    except InvalidEHRFile as error:
        invalid, ehrs = error, error.usable
    listed = next((ehr for ehr in ehrs if ehr.iss == iss.removesuffix("/")), None)
    if listed:
        return ToCheck(listed, True, tuple(invalid.complaints) if invalid else ())
    if invalid:
        raise invalid  # it may be the one with something wrong
    if not is_secure(iss, loopback=True):
        raise ValueError("the address of an EHR begins with https:// (plain http is for this machine only)")
    return ToCheck(EHR(iss.removesuffix("/"), iss, "", vendor=vendor, scopes=scope_words(vendor, "v2")), False)
