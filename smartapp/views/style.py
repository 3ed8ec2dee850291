"""The EHR's look on our pages: its colours, sizes and fonts as a style sheet of our own, where they can be read."""

import re
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, abort, current_app

from launch.style import SmartStyle
from smartapp.views.launched import launched, pages

CONTRAST = 4.5  # WCAG 2.2, 1.4.3
BEHIND_WORDS = ("surface", "sunken", "accent-wash", "ok-wash", "no-wash", "warn-wash", "mark", "mark-on", "mark-ok")
WORDS = ("ink-soft", "accent", "accent-deep", "ok", "no", "warn")  # which stand on the canvas too
_TOKEN = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")
_SCHEMES = "chartside schemes"
_ROOT_PIXELS = 16

Colours = dict[str, str]  # by the names of css/tokens.css


def register(app: Flask, static: Path) -> None:
    """Learns our own colours, light and dark, from the one place where they are named."""
    light, _, dark = (static / "css" / "tokens.css").read_text("utf-8").partition("prefers-color-scheme: dark")
    app.extensions[_SCHEMES] = (dict(_TOKEN.findall(light)), dict(_TOKEN.findall(dark)))


@pages.get("/ehr-style.css")
def ehr_style() -> Response:
    style = launched().session.context.style
    if style is None:
        abort(404)
    response = Response(build_css(style, *current_app.extensions[_SCHEMES]), mimetype="text/css")
    response.headers["Cache-Control"] = "private, max-age=3600"  # a launch keeps the look it began with
    return response


def build_css(style: SmartStyle, light: Colours, dark: Colours) -> str:
    """Only values that `launch.style` has checked, as custom properties."""
    properties = [f"--{name}: {value}" for name, value in _sizes_and_fonts(style)]
    text, canvas = style.color_text, style.color_background
    if text and canvas:
        scheme, ours = ("light", light) if luminance(canvas) > luminance(text) else ("dark", dark)
        colours = _colours(style, text, canvas, ours)
        if colours:
            # The whole scheme, whatever the system prefers: half of each could not be read.
            properties += [f"color-scheme: {scheme}", *(f"--{name}: {value}" for name, value in colours.items())]
    heading = f"h1, h2 {{ font-family: {style.font_family_heading}; }}\n" if style.font_family_heading else ""
    return ":root {" + "".join(f"\n  {line};" for line in properties) + "\n}\n" + heading


def _sizes_and_fonts(style: SmartStyle) -> Iterator[tuple[str, str]]:
    if style.dim_border_radius is not None:
        yield "round", _rem(style.dim_border_radius)
    if style.dim_font_size is not None:
        yield "text", _rem(style.dim_font_size)
    if style.dim_spacing_size is not None:
        yield "pad", _rem(style.dim_spacing_size)
    if style.font_family_body is not None:
        yield "sans", f"{style.font_family_body}, sans-serif"


def _rem(pixels: float) -> str:
    """Grows with the size of text that the reader has chosen."""
    return f"{pixels / _ROOT_PIXELS:g}rem"


def _colours(style: SmartStyle, text: str, canvas: str, ours: Colours) -> Colours:
    """Our scheme with the EHR's colours in it; none where its text could not be read on what we put behind words."""
    if any(contrast(text, behind) < CONTRAST for behind in (canvas, *(ours[name] for name in BEHIND_WORDS))):
        return {}
    colours = ours | {"canvas": canvas, "ink": text}
    for name, said in (("accent", style.color_highlight), ("no", style.color_error), ("ok", style.color_success)):
        behind = [canvas, ours["surface"], ours["sunken"], ours[f"{name}-wash"]]
        behind += [ours["on-accent"]] if name == "accent" else []
        if said and all(contrast(said, other) >= CONTRAST for other in behind):
            colours |= {name: said} | ({"accent-deep": said} if name == "accent" else {})
    return colours | {name: text for name in WORDS if contrast(colours[name], canvas) < CONTRAST}


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio": 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance" of #rrggbb."""
    red, green, blue = (_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
