"""Roles: who is taken for a clinician or a coder, and what each is shown."""

from dataclasses import replace
from pathlib import Path

import pytest
from fake_pages import build_session

from launch.ehrs import EHR
from model.codebook import CodeBook
from smartapp.roles import CLINICIAN, CODER, plain_titles, role_in

EHR_ = EHR("https://ehr.example/fhir", "Sample", "chartside")
CODES = ("http://nucc.org/provider-taxonomy|246YC3301X",)


@pytest.mark.parametrize(
    ("says", "site", "role"),
    [
        ({}, {}, "clinician"),
        ({"fhir_user": "PractitionerRole/7"}, {}, "clinician"),
        ({"fhir_user": "Person/7"}, {}, "coder"),
        ({"user_codes": CODES}, {}, "coder"),
        ({"user_codes": ("urn:anything|cpc",)}, {}, "coder"),
        ({"user_codes": ("|207R00000X",)}, {}, "clinician"),
        ({"intent": "coder-workspace"}, {}, "coder"),
        ({"intent": "review-codes", "user_codes": CODES}, {}, "clinician"),
        ({"intent": "order-review", "user_codes": CODES}, {}, "coder"),
        ({"intent": "him"}, {"coder_intents": ("him",)}, "coder"),
        ({"intent": "coder-workspace"}, {"coder_intents": ("him",)}, "clinician"),
        ({"intent": "coder-workspace", "user_codes": CODES}, {"role": "clinician"}, "clinician"),
    ],
)
def test_the_role_of_a_launch(says: dict[str, str], site: dict[str, str], role: str) -> None:
    """The site's rule before the intent, the intent before what the person is; nobody is a coder without a sign."""
    context = build_session(**says).context
    assert role_in(context, replace(EHR_, **site)).name == role


def test_a_choice_counts_only_where_the_site_allows_it() -> None:
    """Without the switch, and with one role for everybody, what was chosen means nothing."""
    context = build_session().context
    assert role_in(context, EHR_, "coder") is CLINICIAN
    assert role_in(context, replace(EHR_, role_switch=True), "coder") is CODER
    assert role_in(context, replace(EHR_, role_switch=True)) is CLINICIAN
    assert role_in(context, replace(EHR_, role="clinician"), "coder") is CLINICIAN


def test_what_each_role_is_shown() -> None:
    """A clinician sees five and no money, the rest folded; a coder sees all of it, in the book's own words."""
    cards = tuple("ABCDEFG")
    assert (CLINICIAN.shown(cards), CLINICIAN.folded(cards)) == (tuple("ABCDE"), tuple("FG"))
    assert (CODER.shown(cards), CODER.folded(cards)) == (cards, ())
    assert (CLINICIAN.money, CODER.money) == (False, True)
    assert (CLINICIAN.plain_title("I10"), CODER.plain_title("I10")) == ("High blood pressure", "")
    assert CLINICIAN.plain_title("V97.33XD") == ""


def test_plain_titles_are_of_billable_codes() -> None:
    """Each line is a code of the book, once, with words that are not the book's own."""
    book = CodeBook.load(Path("model/artifact/codebook"))
    for code, words in plain_titles().items():
        entry = book.get(code)
        assert entry and entry.billable, code
        assert 0 < len(words) < 80
    lines = Path("smartapp/plain_titles.tsv").read_text("utf-8").splitlines()
    assert len([line for line in lines if not line.startswith("#")]) == len(plain_titles())
