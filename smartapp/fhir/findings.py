"""What a check finds: one thing that works, works in part, or stops Chartside."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from smartapp.fhir.hearing import NotHeard


class Sign(StrEnum):
    WORKS = "✓"
    LIMITED = "!"
    BLOCKS = "✗"


@dataclass(frozen=True, slots=True)
class Finding:
    """What, why it matters, how to mend it."""

    about: str
    sign: Sign
    what: str
    why: str = ""
    mend: str = ""


def blocks(findings: Iterable[Finding]) -> bool:
    return any(finding.sign is Sign.BLOCKS for finding in findings)


def unheard(about: str, sign: Sign, what: str, trouble: NotHeard, why: str) -> Finding:
    return Finding(about, sign, f"{what}: {trouble}", why, trouble.mend)
