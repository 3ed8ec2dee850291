"""Words of everyday notes that the index does not print, written down by hand for the project.

The house terms were written beside the training notes, the thesaurus from medical knowledge and the code book alone.
"""

from pathlib import Path

from model.lexicon import merge_terms
from model.tokens import content_words, term_key
from model.train.terms import GENERAL_WORDS

HOUSE_TERMS = Path(__file__).with_name("house_terms.tsv")
THESAURUS = Path(__file__).parents[1] / "codebook" / "thesaurus"


def read_house_terms(path: Path = HOUSE_TERMS, letter: str = "h") -> dict[str, str]:
    """Term -> 'letter:CODE' from lines of 'code<TAB>words'; several words for one code are parted by '|'."""
    terms: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            code, phrases = line.split("\t")
            for phrase in phrases.split("|"):
                key = term_key(content_words(phrase))
                terms[key] = f"{terms[key]} {letter}:{code}" if key in terms else f"{letter}:{code}"
    return terms


def read_thesaurus(folder: Path = THESAURUS) -> dict[str, str]:
    """Term -> 'w:CODE ...' of every file of the thesaurus; a general word alone names nothing."""
    terms = merge_terms(*(read_house_terms(path, "w") for path in sorted(folder.glob("*.tsv"))))
    return {key: codes for key, codes in terms.items() if key and key not in GENERAL_WORDS}
