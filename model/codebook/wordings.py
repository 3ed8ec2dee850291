"""Words that the code book does not print, as terms, so that the search finds a code by those of clinicians too."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from model.codebook.entries import Term, TermSource

FOLDER = Path(__file__).with_name("thesaurus")
SAID = FOLDER.with_name("said")  # wordings that help to find a code and prove nothing in a note: names of drugs
QUOTED = Path(__file__).with_name("quoted.tsv")
_ABBREVIATIONS = FOLDER.with_name("abbreviations.tsv")


def thesaurus_terms(folders: Iterable[Path] = (FOLDER, SAID)) -> Iterator[Term]:
    """One term for every wording that is no abbreviation of the search; lines are `code<TAB>wording|wording`."""
    lines = _ABBREVIATIONS.read_text(encoding="utf-8").splitlines()
    known = {line.partition("\t")[0] for line in lines}
    for path in sorted(path for folder in folders for path in folder.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                code, wordings = line.split("\t")
                terms = (Term(words, code.rstrip("-."), TermSource.THESAURUS) for words in wordings.split("|"))
                yield from (term for term in terms if term.text not in known)


def quoted_terms(path: Path = QUOTED) -> Iterator[Term]:
    """What `model.train.quoted` learnt from coded notes; lines are `code<TAB>times<TAB>words`."""
    for line in path.read_text(encoding="utf-8").splitlines():
        code, times, words = line.split("\t")
        yield Term(words, code, TermSource.QUOTED, times=int(times))


def write_quoted(terms: Iterable[Term], path: Path = QUOTED) -> None:
    path.write_text("".join(f"{t.code}\t{t.times}\t{t.text}\n" for t in terms), encoding="utf-8")
