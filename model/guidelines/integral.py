"""Signs and symptoms integral to a confirmed diagnosis."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from model.prediction import FiredRule

_RULES = Path(__file__).with_name("integral.toml")


@lru_cache(maxsize=1)
def _table() -> tuple[str, tuple[tuple[tuple[str, ...], tuple[str, ...], "re.Pattern[str]"], ...]]:
    table = tomllib.loads(_RULES.read_text(encoding="utf-8"))
    rows = [(r, re.compile(r.get("unless", "(?!)"), re.IGNORECASE)) for r in table["symptom"]]
    return table["citation"], tuple((tuple(r["signs"]), tuple(r["of"]), unless) for r, unless in rows)


def integral_signs(confirmed: Iterable[str], titles: Mapping[str, str], text: str = "") -> dict[str, FiredRule]:
    """Which of the confirmed codes are signs of another of them, unless `text` tells of their own treatment."""
    citation, rows = _table()
    codes = sorted(confirmed)
    found: dict[str, FiredRule] = {}
    for signs, diagnoses, unless in rows:
        causes = [c for c in codes if c.startswith(diagnoses) and not c.startswith(signs)]
        shown = [c for c in codes if c.startswith(signs)]
        if not causes or not shown or unless.search(text):  # the text last: it is long
            continue
        for sign in shown:
            reason = f"It is a usual sign of {titles[causes[0]]} ({causes[0]}), which the note confirms."
            found.setdefault(sign, FiredRule("integral-sign", citation, reason))
    return found
