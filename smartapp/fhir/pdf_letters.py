"""The letters of a PDF: its fonts hold Latin and Greek; what they lack is shown as lacking, never left out unseen."""

import html
import re
import unicodedata
from itertools import groupby
from pathlib import Path
from typing import Final

from reportlab import __file__ as reportlab_file
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

PLAIN, BOLD = "Vera", "VeraBd"  # come with reportlab
LACKING: Final = "[…]"
EXPLAINED: Final = f"{LACKING} stands for words in letters that this PDF has no font for; the chart holds them."
_RUN: Final = re.compile(rf"{re.escape(LACKING)}(?:\s*{re.escape(LACKING)})+")
_SYMBOLS: Final = frozenset(
    "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρςστυφχψω←↑→↓≠≈∞"
)  # of every PDF reader's own font
_SILENT: Final = ("Cc", "Cf", "Mn")  # categories without a shape of their own


def register_fonts() -> None:
    for name in {PLAIN, BOLD} - set(pdfmetrics.getRegisteredFontNames()):
        pdfmetrics.registerFont(TTFont(name, str(Path(reportlab_file).parent / "fonts" / f"{name}.ttf")))


def as_markup(line: str) -> str:
    """The line for a paragraph: with the font that holds each letter, with the plain letter for one with an accent
    that no font holds, and one sign for each run of words in other letters."""
    pieces = (_piece(shape, "".join(letters)) for shape, letters in groupby(line, _shape))
    return _RUN.sub(LACKING, "".join(pieces))


def _shape(letter: str) -> str:
    glyphs = pdfmetrics.getFont(PLAIN).face.charToGlyph
    if letter in _SYMBOLS and ord(letter) not in glyphs:
        return "symbol"
    if all(ord(part) in glyphs for part in letter):
        return "plain"
    if unicodedata.category(letter) in _SILENT:
        return "silent"
    return "bare" if all(ord(part) in glyphs for part in _bare(letter)) and _bare(letter) else "lacking"


def _bare(letters: str) -> str:
    """Without accents; a sign made of others as these."""
    return "".join(c for c in unicodedata.normalize("NFKD", letters) if unicodedata.category(c) != "Mn")


def _piece(shape: str, letters: str) -> str:
    if shape == "symbol":
        return f'<font face="Symbol">{letters}</font>'
    if shape == "bare":
        return html.escape(_bare(letters))
    return {"plain": html.escape(letters), "lacking": LACKING}.get(shape, "")
