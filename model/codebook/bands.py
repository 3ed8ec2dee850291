"""The code of a body mass index: who looks for a number wants the code whose title holds it."""

import re
from collections.abc import Mapping
from decimal import Decimal

_ASKED = re.compile(
    r"\b(?:bmi|body mass index)\b\D{0,12}(\d{2,3}(?:\.\d+)?)(?!\d|\s*(?:%|percent|th\b))", re.IGNORECASE
)
_BAND = re.compile(r"\[BMI\] (?:(?P<low>[\d.]+)(?:-(?P<high>[\d.]+)| or greater)|(?P<most>[\d.]+) or less), adult")
_TENTH = Decimal("0.1")  # the titles go by tenths: 24.95 is under 25.0


class Bands:
    """The codes for a body mass index of adults, by the bands that their titles print."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._bands = [
            (Decimal(m["low"] or 0), Decimal(m["high"] or m["most"] or "Infinity") + _TENTH, code)
            for code, title in titles.items()
            if (m := _BAND.search(title))
        ]

    def holding(self, words: str) -> list[str]:
        """The codes of all editions whose band holds the body mass index that the words name."""
        asked = _ASKED.search(words)
        return [c for low, end, c in self._bands if low <= Decimal(asked[1]) < end] if asked else []
