"""The thesaurus as terms, so that the search finds a code by the words of clinicians and patients too."""

from collections.abc import Iterator
from pathlib import Path

from model.codebook.entries import Term, TermSource

FOLDER = Path(__file__).with_name("thesaurus")
_ABBREVIATIONS = FOLDER.with_name("abbreviations.tsv")


def thesaurus_terms(folder: Path = FOLDER) -> Iterator[Term]:
    """One term for every wording that is no abbreviation of the search; lines are `code<TAB>wording|wording`."""
    lines = _ABBREVIATIONS.read_text(encoding="utf-8").splitlines()
    known = {line.partition("\t")[0] for line in lines}
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                code, wordings = line.split("\t")
                terms = (Term(words, code.rstrip("-."), TermSource.THESAURUS) for words in wordings.split("|"))
                yield from (term for term in terms if term.text not in known)
