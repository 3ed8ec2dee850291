"""The encounter's list of diagnoses: whether somebody else changed it since it was reviewed, and what shall stand."""

import copy
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.document import Setting
from smartapp.fhir.elements import codes, items, words
from smartapp.fhir.references import Resource, literal
from smartapp.fhir.resources import diagnosis_use, merge_diagnoses
from smartapp.reviews import Choice, Conflict


@dataclass(frozen=True, slots=True)
class Listing:
    """The list as it was reviewed and as the EHR holds it now; `ours` is what signing stands for, as references."""

    base: str
    reviewed: Resource
    current: Resource
    ours: Collection[str]
    dangling: Collection[str]  # our urn:uuid ids, which a server that resolves none leaves in a list
    withdrawn: Collection[str] = ()  # ours, and marked as an error
    placed: Sequence[str] = ()  # ours, in the order that a correction gives them among themselves

    def changed_by_others(self) -> bool:
        return self._others(self.reviewed) != self._others(self.current)

    def leads_nowhere(self) -> bool:
        """Lists ids of a transaction that the server did not resolve."""
        return any(words(e, "condition", "reference") in self.dangling for e in items(self.current, "diagnosis"))

    def seen(self) -> str:
        """Names exactly what others have in the list now."""
        return hashlib.sha256(json.dumps(self._others(self.current)).encode()).hexdigest()

    def holds_all(self, conditions: Sequence[str], setting: Setting) -> bool:
        """Nothing needs to be added, and nothing of ours leads nowhere."""
        return self.target(conditions, setting, Choice.BOTH) == self.current

    def target(self, conditions: Sequence[str], setting: Setting, choice: Choice) -> Resource:
        """The Encounter as it shall be; in no case with what leads nowhere."""
        before = copy.deepcopy(self.current)
        kept = [e for e in items(before, "diagnosis") if words(e, "condition", "reference") not in self.dangling]
        if choice is not Choice.THEIRS:
            kept = [e for e in kept if self.names(e) not in self.withdrawn]
        if choice is Choice.MINE:
            kept = [e for e in items(self.reviewed, "diagnosis") if not self._is_ours(e)]
            mine = set(self.ours) - set(self.withdrawn)
            kept += [e for e in items(before, "diagnosis") if str(literal(self.base, e.get("condition"))) in mine]
        if kept != before.get("diagnosis"):
            before["diagnosis"] = kept
            if not kept:
                del before["diagnosis"]  # an empty list is not valid JSON of FHIR
        if choice is Choice.THEIRS:
            return before
        return self._in_order(merge_diagnoses(self.base, before, conditions, setting), setting)

    def _in_order(self, encounter: Resource, setting: Setting) -> Resource:
        """Ours in the order of the claim, on the places and ranks that are ours; what is not ours keeps its own."""
        entries = encounter.get("diagnosis")
        if not self.placed or not isinstance(entries, list):
            return encounter
        use, (code, _) = list(self.placed), diagnosis_use(setting)
        ours = {n: use.index(name) for n, e in enumerate(entries) if (name := self.names(e)) in use}
        ours = {n: at for n, at in ours.items() if code in codes(entries[n].get("use"))}
        gone = [e for e in items(self.current, "diagnosis") if self.names(e) in self.withdrawn]
        ranks = sorted(e["rank"] for e in [*gone, *(entries[n] for n in ours)] if isinstance(e.get("rank"), int))
        moved = [entries[n] for n in sorted(ours, key=lambda n: ours[n])]
        for n, entry, rank in zip(sorted(ours), moved, ranks, strict=False):
            entries[n] = entry | {"rank": rank}
        return encounter

    def names(self, entry: Resource) -> str:
        """What the entry points to, without its version; of what has no address yet its own name."""
        condition = entry.get("condition")
        found = literal(self.base, condition)
        return str(found) if found else str(words(condition, "reference"))

    def conflict(self, titles: Mapping[str, str], signed: Sequence[str]) -> Conflict:
        return Conflict(
            self._in_words(self.reviewed, titles), self._in_words(self.current, titles), tuple(signed), self.seen()
        )

    def _in_words(self, encounter: Resource, titles: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(self._words(e, titles) for e in items(encounter, "diagnosis") if not self._is_ours(e))

    def _others(self, encounter: Resource) -> list[Any]:
        return [
            [
                str(literal(self.base, e.get("condition")) or e.get("condition")),
                sorted(codes(e.get("use"))),
                e.get("rank"),
            ]
            for e in items(encounter, "diagnosis")
            if not self._is_ours(e)
        ]

    def _is_ours(self, entry: Resource) -> bool:
        condition = entry.get("condition")
        return str(literal(self.base, condition)) in self.ours or words(condition, "reference") in self.dangling

    def _words(self, entry: Resource, titles: Mapping[str, str]) -> str:
        reference = str(literal(self.base, entry.get("condition")))
        named = titles.get(reference) or words(entry, "condition", "display") or reference
        use = ", ".join(sorted(codes(entry.get("use"))))
        return f"{named} ({use})" if use else named


def operations(before: Resource, after: Resource) -> list[dict[str, Any]]:
    """From one list of diagnoses to the other as JSON Patch; tests of the old one, since some servers ignore If-Match
    on PATCH."""
    old, new = before.get("diagnosis"), after.get("diagnosis")
    if not old:
        version = {"op": "test", "path": "/meta/versionId", "value": before["meta"]["versionId"]}
        return [version, {"op": "add", "path": "/diagnosis", "value": new}]
    unchanged = {"op": "test", "path": "/diagnosis", "value": old}
    if not new:
        return [unchanged, {"op": "remove", "path": "/diagnosis"}]
    if new[: len(old)] != old:
        return [unchanged, {"op": "replace", "path": "/diagnosis", "value": new}]
    return [unchanged, *({"op": "add", "path": "/diagnosis/-", "value": entry} for entry in new[len(old) :])]
