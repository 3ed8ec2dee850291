"""Excludes1: two codes that the tabular list says can never stand together for the same condition."""

from collections.abc import Callable, Sequence

from model.prediction import FiredRule

# Whether the tabular list's Excludes1 notes of the first code name the second.
Excludes = Callable[[str, str], bool]

_CITATION = "ICD-10-CM Official Guidelines FY2026, Section I.A.12.a (Excludes1)"


def excluded_pairs(codes: Sequence[str], excludes: Excludes) -> dict[str, FiredRule]:
    """Of two codes that exclude each other the later in `codes` goes; `codes` are in order of confidence."""
    kept: list[str] = []
    dropped: dict[str, FiredRule] = {}
    for code in codes:
        rival = next((k for k in kept if excludes(k, code) or excludes(code, k)), None)
        if rival is None:
            kept.append(code)
        else:
            reason = f"The tabular list excludes it beside {rival} (Excludes1)."
            dropped[code] = FiredRule("excludes1", _CITATION, reason)
    return dropped
