"""How the EHR looks: of its SMART style sheet what is plainly a colour, a size or a font, and nothing else."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests

from launch.ehrs import EHR
from launch.transport import HURRIED, SameOriginSession, is_loopback, is_secure, read_json

FRESH, AGAIN_AFTER = timedelta(hours=1), timedelta(minutes=5)  # what was read; what could not be read
MOST_KEPT = 200
LIMITS = replace(HURRIED, size=16 * 1024)
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_SIZE = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)(px|em|rem)")
_FONT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,39}")
_PIXELS_AN_EM = 16.0
# Pixels at least and at most: what would make the page unreadable is not taken.
_BOUNDS = {"dim_border_radius": (0.0, 24.0), "dim_font_size": (12.0, 22.0), "dim_spacing_size": (4.0, 32.0)}


@dataclass(frozen=True, slots=True)
class SmartStyle:
    """The properties of SMART App Launch 2.2, "Styling", that we can use; None for what the EHR does not say."""

    color_background: str | None = None  # #rrggbb
    color_text: str | None = None
    color_highlight: str | None = None
    color_error: str | None = None
    color_success: str | None = None
    dim_border_radius: float | None = None  # pixels at the usual size of text
    dim_font_size: float | None = None
    dim_spacing_size: float | None = None
    font_family_body: str | None = None  # names, quoted and with commas between them, as CSS wants them
    font_family_heading: str | None = None

    @classmethod
    def from_json(cls, value: Any) -> "SmartStyle | None":
        """Each value by itself: one that is something else is left out."""
        if not isinstance(value, dict):
            return None
        read = {field.name: _value(field.name, value.get(field.name)) for field in fields(cls)}
        return cls(**read) if any(value is not None for value in read.values()) else None


def _value(name: str, said: Any) -> Any:
    if not isinstance(said, str) or len(said) > 500:
        return None
    if name.startswith("color_"):
        return _colour(said.strip())
    return _size(said.strip(), *_BOUNDS[name]) if name in _BOUNDS else _fonts(said)


def _colour(said: str) -> str | None:
    if not _COLOUR.fullmatch(said):
        return None
    return said.lower() if len(said) == 7 else "#" + "".join(2 * digit for digit in said[1:].lower())


def _size(said: str, least: float, most: float) -> float | None:
    match = _SIZE.fullmatch(said)
    if match is None:
        return None
    pixels = float(match[1]) * (1.0 if match[2] == "px" else _PIXELS_AN_EM)
    return pixels if least <= pixels <= most else None


def _fonts(said: str) -> str | None:
    """Every name or none: the order is the EHR's wish, and half of it is not."""
    names = [name.strip().strip("\"'") for name in said.split(",")]
    if not all(_FONT.fullmatch(name) for name in names):
        return None
    generic = ("serif", "sans-serif", "monospace", "system-ui")
    return ", ".join(name if name in generic else f'"{name}"' for name in names)


class Styles:
    """Reads style sheets, from the EHR's own host or one listed for it, and keeps them for a while."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[datetime, SmartStyle | None]] = {}

    def read(self, url: Any, ehr: EHR) -> SmartStyle | None:
        """None for whatever is no style sheet: looks never stop a launch."""
        if not isinstance(url, str) or not _is_listed(url, ehr):
            return None
        now = self._clock()
        if url in self._kept and now < self._kept[url][0]:
            return self._kept[url][1]
        style = _fetch(url)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[url] = (now + (FRESH if style else AGAIN_AFTER), style)
        return style


def _is_listed(url: str, ehr: EHR) -> bool:
    if not is_secure(url, loopback=is_loopback(ehr.iss)):
        return False
    there = urlsplit(url)
    return there.netloc == urlsplit(ehr.iss).netloc or there.netloc in ehr.style_hosts


def _fetch(url: str) -> SmartStyle | None:
    try:
        with SameOriginSession(LIMITS) as http:
            answer = http.get(url, headers={"Accept": "application/json"})
            return SmartStyle.from_json(read_json(answer)) if answer.status_code == requests.codes.ok else None
    except requests.RequestException:  # not JSON is one of them
        return None
