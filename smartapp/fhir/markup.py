"""Marked-up notes (HTML, XHTML, CDA) to text: scripts left out, blocks as lines, tables readable."""

import re

from lxml import etree

_CDA = "{urn:hl7-org:v3}"
# No entities, no network, no DTD: notes come from outside (XML external entities, entity bombs).
_XML_OPTIONS = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}

# fmt: off
_LEFT_OUT = frozenset((
    "script", "style", "head", "template", "noscript", "iframe", "object", "embed", "svg", "math", "select", "textarea",
    "audio", "video", "canvas",
))
_PARAGRAPH = frozenset((
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "dl", "blockquote", "pre", "section", "article",
    "list", "paragraph",  # CDA
))
_LINE = frozenset((
    "div", "tr", "li", "dt", "dd", "address", "header", "footer", "main", "nav", "aside", "figure", "figcaption",
    "fieldset", "form", "hr", "caption", "item", "title", "text", "body", "thead", "tbody", "tfoot", "details",
    "summary",
))
# fmt: on

# Separators of ASCII as marks: the end of a paragraph, of a line, of a cell (ends merge), and a space that stays.
_NEW_PARAGRAPH, _NEW_LINE, _CELL_END, _KEPT_SPACE = "\x1d", "\x1e", "\x1f", "\x1c"
_SPACES = re.compile(r"[ \t\r\n\f\v\x1c-\x1f]+")  # not the no-break space: that one is meant
_GAPS = re.compile(r"[ \x1d\x1e]+")


class TooDeep(ValueError):
    """Elements are nested so deeply that the parser would drop the text inside."""


def html_text(markup: str) -> str:
    """The text of an HTML note, however broken its markup is; raises TooDeep."""
    # Without huge_tree libxml2 drops what lies deeper than 256 elements, silently.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True)
    clean = markup.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace")
    root = etree.fromstring(clean, parser) if clean.strip() else None
    if any(error.level_name == "FATAL" for error in parser.error_log):
        raise TooDeep("the markup cannot be read to its end")
    return "" if root is None else element_text(root)


def xhtml_text(data: bytes, *, only_html: bool = False) -> str:
    """The text of well-formed XHTML; raises XMLSyntaxError, or ValueError where it is some other XML."""
    root = etree.fromstring(data, etree.XMLParser(**_XML_OPTIONS))
    if only_html and _name(root) not in ("html", "div", "body"):
        raise ValueError("not XHTML")
    return element_text(root)


def is_cda(data: bytes) -> bool:
    """Whether the XML is a ClinicalDocument of HL7 CDA R2."""
    return bool(etree.fromstring(data, etree.XMLParser(**_XML_OPTIONS)).tag == f"{_CDA}ClinicalDocument")


def cda_text(data: bytes) -> str:
    """The narrative of a CDA document: each section's title and text; ValueError when there is none."""
    root = etree.fromstring(data, etree.XMLParser(**_XML_OPTIONS))
    parts: list[str] = []
    for section in root.iter(f"{_CDA}section"):
        if next(section.iterancestors(f"{_CDA}text"), None) is not None:
            continue  # it was read with that text: again for each level it would never end
        for child in section:
            if child.tag in (f"{_CDA}title", f"{_CDA}text"):
                parts.append(element_text(child))
    if not any(parts):
        raise ValueError("no narrative")
    return "\n\n".join(part for part in parts if part)


def element_text(root: etree._Element) -> str:
    """The text under an element; walks without recursion, since depth is in the hands of who wrote the note."""
    out: list[str] = []
    hidden = verbatim = 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        name = _name(element)
        starts = event == "start"
        if name in _LEFT_OUT:
            hidden += 1 if starts else -1
        elif starts and not hidden:
            out.append(_opening(name))
        elif event == "end" and not hidden:
            out.append(_closing(name))
        if name == "pre":
            verbatim += 1 if starts else -1
        inner = element.text if starts else element.tail if element is not root else None
        # After the end of <pre> the tail is ordinary again; `verbatim` already says so.
        if inner and not hidden:
            out.append(inner.replace(" ", _KEPT_SPACE) if verbatim else _SPACES.sub(" ", inner))
    return _tidy("".join(out))


def _name(element: etree._Element) -> str:
    # Not through QName: that one refuses the tag names of broken HTML.
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _opening(name: str) -> str:
    if name == "br":
        return "\n"
    return f"{_NEW_LINE}- " if name in ("li", "item") else _block(name)


def _closing(name: str) -> str:
    return _CELL_END if name in ("td", "th") else _block(name)


def _block(name: str) -> str:
    return _NEW_PARAGRAPH if name in _PARAGRAPH else _NEW_LINE if name in _LINE else ""


def _gap(match: re.Match[str]) -> str:
    return "\n\n" if _NEW_PARAGRAPH in match[0] else "\n" if _NEW_LINE in match[0] else " "


def _tidy(text: str) -> str:
    lines = [line.strip(" ").rstrip(f" {_CELL_END}") for line in _GAPS.sub(_gap, text).split("\n")]
    tidy = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    return tidy.replace(_CELL_END, " | ").replace(_KEPT_SPACE, " ")
