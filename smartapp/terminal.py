"""A prediction as text for a terminal: every code with its words underlined in their line."""

import textwrap

from model.document import Span
from model.prediction import CodePrediction, Evidence, Prediction

UNDERLINE, BOLD, DIM, OFF = "\033[4m", "\033[1m", "\033[2m", "\033[0m"
AROUND = 48  # characters of context each side


def underline_codes(prediction: Prediction, text: str, *, color: bool) -> str:
    """`color`: underline with the terminal's own attribute; else with a line of marks below."""
    shown = [c for c in prediction.codes if c.suggested]
    less = [c for c in prediction.codes if not c.suggested]
    parts = [code_block(c, text, color) for c in sorted(shown, key=lambda c: not c.first_listed)]
    if not shown:
        parts.append("No code is suggested for this text.")
    if less:
        parts.append("Less certain, for a person to judge:\n" + "\n".join(f"  {head(c, color)}" for c in less[:10]))
    if prediction.not_coded:
        reasons = {(n.evidence.quote.lower(), n.reason): n for n in prediction.not_coded}.values()
        lines = [f"  {' '.join(n.evidence.quote.split())}: {n.reason}" for n in list(reasons)[:12]]
        parts.append("Mentioned, not coded:\n" + "\n".join(lines))
    parts.append(paint(f"{prediction.model_revision}, ICD-10-CM {prediction.code_set_edition}", DIM, color))
    return "\n\n".join(parts)


def paint(words: str, attribute: str, color: bool) -> str:
    return f"{attribute}{words}{OFF}" if color else words


def head(code: CodePrediction, color: bool) -> str:
    mark = "  first-listed" if code.first_listed else ""
    return f"{paint(f'{code.code!s:8}', BOLD, color)} {code.title}  {code.confidence:.0%}{mark}"


def code_block(code: CodePrediction, text: str, color: bool) -> str:
    lines = [head(code, color)]
    lines += [textwrap.indent(in_context(e, text, color), "    ") for e in code.evidence[:3]]
    lines += [f"    {rule.reason} ({rule.citation})" for rule in code.rules]
    return "\n".join(lines)


def in_context(evidence: Evidence, text: str, color: bool) -> str:
    line = line_around(evidence.span, text)
    before, words, after = (
        printable(part.of(text)) if part else ""
        for part in (cut(line.start, evidence.span.start), evidence.span, cut(evidence.span.end, line.end))
    )
    if color:
        return f"{before}{UNDERLINE}{words}{OFF}{after}"
    return f"{before}{words}{after}\n{' ' * len(before)}{'~' * len(words)}"


def cut(start: int, end: int) -> Span | None:
    return Span(start, end) if start < end else None


def line_around(span: Span, text: str) -> Span:
    """The line that holds the span, cut to AROUND characters each side."""
    start = max(text.rfind("\n", 0, span.start) + 1, span.start - AROUND)
    newline = text.find("\n", span.end)
    return Span(start, min(newline if newline >= 0 else len(text), span.end + AROUND))


def printable(words: str) -> str:
    """One character for one character, nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in words)
