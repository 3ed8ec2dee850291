"""What the signatures before this one wrote for the encounter, as their receipts tell it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from smartapp.reviews import Correction

DIAGNOSIS: Final = "diagnosis "
WITHDRAWAL: Final = "withdrawal of "


@dataclass(frozen=True, slots=True)
class Earlier:
    """Empty for a first signature."""

    signed: frozenset[str] = frozenset()  # all codes that were signed
    written: Mapping[str, str] = field(default_factory=dict)  # the Conditions of ours that stand, by their codes
    withdrawn: Mapping[str, str] = field(default_factory=dict)  # those that Chartside marked as an error
    emptied: bool = False  # one of them left no code
    others: Mapping[str, str] = field(default_factory=dict)  # what else is there, by type

    def withdrawn_but(self, codes: Collection[str]) -> frozenset[str]:
        """Conditions that no list may hold any more; those of `codes` come back."""
        return frozenset(reference for code, reference in self.withdrawn.items() if code not in codes)


def earlier_of(corrections: Sequence[Correction]) -> Earlier:
    """In the order of the signatures: what one wrote, the next may have withdrawn."""
    signed, written, withdrawn, others = set[str](), dict[str, str](), dict[str, str](), dict[str, str]()
    for line in (line for correction in corrections for line in correction.receipt):
        ours = line.reference if line.attempts else None
        if line.purpose.startswith(WITHDRAWAL):
            code = line.purpose.removeprefix(WITHDRAWAL)
            if line.outcome == "written" and line.reference:
                written.pop(code, None)
                withdrawn[code] = line.reference
        elif line.resource == "Condition":
            code = line.purpose.removeprefix(DIAGNOSIS)
            signed.add(code)
            if ours and line.outcome != "undone":
                written[code] = ours
                withdrawn.pop(code, None)
        elif ours:
            others[line.resource] = ours
    emptied = any(not _names_codes(correction) for correction in corrections)
    return Earlier(frozenset(signed), written, withdrawn, emptied, others)


def _names_codes(correction: Correction) -> bool:
    return any(line.purpose.startswith(DIAGNOSIS) for line in correction.receipt)
