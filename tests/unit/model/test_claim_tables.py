"""Tables that place a code: parts of the skin, trimesters, codes that the book asks for beside another."""

from collections.abc import Callable

import pytest

from model.codebook import CodeBook
from model.guidelines.claim import Claimed
from model.guidelines.skin import skin_table
from model.guidelines.trimesters import trimester_table

Claim = Callable[..., Claimed]


def standing(claimed: Claimed) -> set[str]:
    return claimed.supports.keys() - claimed.replaced.keys()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Basal cell carcinoma of the nose.", {"C44.311"}), ("Squamous cell carcinoma, left forearm.", {"C44.629"}),
        ("Melanoma of the right inferior back.", {"C43.59"}), ("Melanoma of the scalp.", {"C43.4"}),
        ("Nevus of the right ear.", {"D22.21"}), ("Nevus on lower and upper extremities.", {"D22.60", "D22.70"}),
        ("Basal cell carcinoma of the nose. Basal cell carcinoma was excised.", {"C44.311"}),
        ("He comes back for melanoma.", {"C43.9"}),
        ("Basal cell carcinoma. Her nose is fine.", {"C44.91"}), ("Basal cell carcinoma.", {"C44.91"}),
        ("No basal cell carcinoma of the nose. Basal cell carcinoma.", {"C44.91"}),
    ],
)  # fmt: skip
def test_growths_of_the_skin_by_site(claim: Claim, text: str, codes: set[str]) -> None:
    """The words right beside it say where it is; without them the site stays open (neoplasm table, skin)."""
    assert standing(claim(text)) == codes


def test_every_site_of_the_skin_is_billable(codebook: CodeBook) -> None:
    """Each growth at each site of each side is a code of the book."""
    table = skin_table()
    assert all(codebook.is_billable(code) for code in table.unplaced)
    for category, kind in table.unplaced.values():
        for _, codes in table.sites:
            for side, other in (("0", "1"), ("1", "2"), ("2", "9")):
                code = codes[category].replace("{S}", side).replace("{R}", other).replace("{K}", kind)
                assert codebook.is_billable(f"{category}.{code}"), (category, code)


def test_trimesters_are_those_of_the_code_book(codebook: CodeBook) -> None:
    """Every code of the table says the same but for the trimester."""
    for unknown, row in trimester_table().items():
        entry = codebook.get(unknown)
        assert entry is not None
        assert all(not code or codebook.get(code) for code in row)
        for code, ordinal in zip(row, ("first", "second", "third"), strict=False):
            known = codebook.get(code) if code else None
            assert not code or (
                known and known.title == entry.title.replace("unspecified trimester", f"{ordinal} trimester")
            ), code


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Alzheimer disease.", {"G30.9", "F02.80"}),
        ("Alzheimer disease with agitation.", {"G30.9", "F02.811"}),
        ("Parkinson disease.", {"G20.A1"}),
        ("Parkinson disease with dementia.", {"G20.A1", "F02.80"}),
        ("Diabetic kidney disease, stage 3b.", {"E11.22", "N18.32"}),
        ("Diabetic kidney disease, stage III.", {"E11.22", "N18.30"}),
        ("Diabetic kidney disease.", {"E11.22"}),
    ],
)
def test_codes_that_the_book_asks_for(claim: Claim, text: str, codes: set[str]) -> None:
    """The dementia of its disease and the stage of a kidney disease are codes of their own (I.A.13)."""
    assert standing(claim(text)) == codes
