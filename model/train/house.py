"""Words of everyday notes that the index does not print, written down by hand for the project."""

from pathlib import Path

from model.tokens import content_words, term_key

HOUSE_TERMS = Path(__file__).with_name("house_terms.tsv")


def read_house_terms(path: Path = HOUSE_TERMS) -> dict[str, str]:
    """Term -> 'h:CODE' from lines of 'words<TAB>code'; several words for one code are parted by '|'."""
    terms: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            code, phrases = line.split("\t")
            for phrase in phrases.split("|"):
                key = term_key(content_words(phrase))
                terms[key] = f"{terms[key]} h:{code}" if key in terms else f"h:{code}"
    return terms
