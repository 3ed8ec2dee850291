"""The source attributes, filled: from the rule's list, the artifact's card, the settings, the log and the site."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from smartapp.audit import AuditLog
from smartapp.config import Config, Contacts
from smartapp.model_card.artifact_card import ArtifactCard
from smartapp.model_card.local import LEAST, Local, LocalValidity

RULE: Final = "45 CFR 170.315(b)(11)(iv)(B)"
NOTES: Final = "model card"  # the setting of the audit log that holds what the site says
LONGEST: Final = 2000  # characters of a note
_LIST: Final = Path(__file__).with_name("attributes.toml")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One source attribute: what is said of it, or why nothing is."""

    number: int  # in the order of the rule
    paragraph: str  # counted from (b)(11)(iv)(B)
    group: str
    name: str
    says: tuple[str, ...]
    missing: str  # why it is not available; empty where something is said
    table: tuple[tuple[str, ...], ...] = ()  # beside what is said: the head, then rows
    note: str = ""  # what the site adds
    local: Local | None = None  # of local validity

    def to_json(self) -> dict[str, Any]:
        told = {
            "number": self.number,
            "paragraph": f"{RULE}{self.paragraph}",
            "group": self.group,
            "name": self.name,
            "available": not self.missing,
            "says": list(self.says),
        }
        table = {"columns": self.table[0], "rows": self.table[1:]} if self.table else None
        more = {"not_available_because": self.missing, "table": table, "site": self.note}
        local = {"local_validity": _local_json(self.local)} if self.local and self.local.lines else {}
        return told | {name: value for name, value in more.items() if value} | local


class BadNote(ValueError):
    """A note of the site that is not taken; says why."""


@dataclass(frozen=True, slots=True)
class SiteNotes:
    """What the site says beside the attributes. The audit log itself keeps it, so that each earlier wording stays."""

    audit: AuditLog

    def read(self) -> Mapping[str, str]:
        """By the attribute's number."""
        return self.audit.setting(NOTES) or {}

    def write(self, number: int, note: str) -> bool:
        """Puts the note in the place of the one before; an empty one takes it away. Whether it changed anything.

        Raises BadNote.
        """
        if not 1 <= number <= len(listed()):
            raise BadNote(f"there is no attribute {number}; they go from 1 to {len(listed())}")
        if len(note) > LONGEST:
            raise BadNote(f"the note has {len(note)} characters; {LONGEST} are the most")
        before = dict(self.read())
        after = {**before, str(number): note}
        if not note:
            del after[str(number)]
        if before == after:
            return False
        self.audit.record_setting(NOTES, after)
        return True


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The card of the predictor of this installation."""

    config: Config
    local: LocalValidity
    notes: SiteNotes

    def artifact(self) -> ArtifactCard:
        return ArtifactCard.read(self.config.artifact)

    def attributes(self) -> tuple[Attribute, ...]:
        """All of them, in the order of the rule. Raises SQLAlchemyError."""
        artifact, notes = self.artifact(), self.notes.read()
        local = self.local.read(artifact.revision)
        filled = {"developer": _developer(self.config.contacts), "local": _local(local)}
        made = []
        for number, entry in enumerate(listed(), 1):
            says, missing = _said(entry, artifact, filled)
            table = artifact.table(entry["section"]) if "section" in entry else ()
            own = local if entry.get("filled") == "local" else None
            place = (number, entry["paragraph"], entry["group"], entry["name"])
            made.append(Attribute(*place, says, missing, table, notes.get(str(number), ""), own))
        return tuple(made)

    def to_json(self) -> dict[str, Any]:
        attributes, artifact = self.attributes(), self.artifact()
        return {
            "intervention": "chartside-predictor",
            "revision": artifact.revision,
            "rule": RULE,
            "attributes": [attribute.to_json() for attribute in attributes],
        }


@cache
def listed() -> tuple[dict[str, Any], ...]:
    """The rule's attributes as the list has them, each with the title of its group."""
    groups = tomllib.loads(_LIST.read_text(encoding="utf-8"))["group"]
    return tuple(entry | {"group": group["title"]} for group in groups for entry in group["attribute"])


def _said(
    entry: Mapping[str, Any], artifact: ArtifactCard, filled: Mapping[str, tuple[tuple[str, ...], str]]
) -> tuple[tuple[str, ...], str]:
    """What the attribute says, and why it does not."""
    if of := entry.get("filled"):
        return filled[of]
    if not (heading := entry.get("section")):
        return tuple(entry.get("says", ())), entry.get("missing", "")
    lines = artifact.lines(heading)
    if not lines and not artifact.table(heading):
        return (), f"The card of the artifact in use has nothing under “{heading}”."
    other = f"Written of revision {artifact.of}; the one in use is {artifact.revision}."
    return (lines, "") if artifact.of == artifact.revision else ((other, *lines), "")


def _developer(site: Contacts) -> tuple[tuple[str, ...], str]:
    """The project has no address of its own; whoever runs this installation has."""
    said = ["The Chartside project: open source, under the Apache License 2.0."]
    if told := ", ".join(filter(None, (site.organization, site.name, site.email, site.phone))):
        said.append(f"Contact for this installation: {told}.")
    else:
        said.append(
            "No contact for this installation is set (CHARTSIDE_CONTACT_ORGANIZATION, CHARTSIDE_CONTACT_EMAIL)."
        )
    return tuple(said), ""


def _local(local: Local) -> tuple[tuple[str, ...], str]:
    if not local.lines:
        return (), f"Fewer than {LEAST} encounters that this revision coded have been signed here."
    return (
        f"{local.lines[0].encounters} encounters coded by this revision and signed here from {local.since} to "
        f"{local.until}; worked out on {local.at:%Y-%m-%d at %H:%M} UTC.",
        "What a person signed is taken as right. Shares with Wilson's 95 % interval, which takes the codes of an "
        f"encounter as independent. Chapters with fewer than {LEAST} encounters are told together.",
    ), ""


def _local_json(local: Local) -> dict[str, Any]:
    return {
        "revision": local.revision,
        "worked_out_at": local.at.isoformat(timespec="seconds"),
        "signed_from": local.since,
        "signed_to": local.until,
        "least_encounters": LEAST,
        "lines": [
            {"codes": line.name, "encounters": line.encounters}
            | {name.replace(" ", "_"): share.to_json() for name, share in line.shares.items()}
            for line in local.lines
        ],
    }
