"""The first-listed code where the Guidelines decide it."""

import pytest

from model.codebook import CodeBook
from model.document import Span
from model.features import Support
from model.guidelines.order import Sequencer, first_listed, named_principal, only_first, order_rules
from model.prediction import Assertion
from model.reading import Mention
from model.sections import SectionKind


def first(codebook: CodeBook, *ranked: str) -> tuple[str, str | None]:
    """The first-listed of the codes, the likeliest first, and the rule that put it there."""
    titles = {code: entry.title for code in ranked if (entry := codebook.get(code))}
    listed = first_listed(ranked, titles, Sequencer(codebook))
    assert listed is not None
    return listed[0], listed[1].id if listed[1] else None


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        (("I10", "E11.9"), ("I10", None)),
        (("Z68.41", "E66.01"), ("E66.01", "secondary-only")),
        (("W19.XXXA", "S52.501A"), ("S52.501A", "external-cause-never-first")),
        (("B96.20", "N39.0"), ("N39.0", "organism-never-first")),
        (("F02.80", "G30.9"), ("G30.9", "manifestation-never-first")),
        (("T45.1X5A", "D63.0"), ("D63.0", "adverse-effect-after-its-nature")),
        (("T38.0X5A", "E09.9"), ("E09.9", "adverse-effect-after-its-nature")),
        (("T40.2X1A", "R40.20"), ("T40.2X1A", None)),
        (("E03.9", "O99.282", "Z3A.20"), ("O99.282", "chapter-15-first")),
        (("O24.419", "O09.522"), ("O09.522", "high-risk-supervision-first")),
        (("J06.9", "U07.1"), ("U07.1", "covid-19-first")),
        (("J18.9", "A41.9"), ("A41.9", "sepsis-first")),
        (("I25.10", "I21.4"), ("I21.4", "heart-attack-first")),
        (("I10", "Z00.01"), ("Z00.01", "only-first")),
        (("C50.911", "Z51.11"), ("Z51.11", "only-first")),
        (("N18.4", "I50.9", "I13.0"), ("I13.0", "hypertensive-disease-first")),
        (("L97.511", "E11.621"), ("E11.621", "diabetic-ulcer-first")),
        (("D63.1", "N18.4", "E11.22"), ("E11.22", "diabetic-kidney-first")),
        (("D63.1", "N18.4"), ("N18.4", "anemia-after-its-disease")),
        (("F48.2", "G12.21"), ("G12.21", "code-first")),
        (("Z68.41",), ("Z68.41", None)),
    ],
)
def test_first_listed(codebook: CodeBook, ranked: tuple[str, ...], expected: tuple[str, str | None]) -> None:
    """A rule moves another code to the front and says so; without a rule the likeliest stays in front."""
    assert first(codebook, *ranked) == expected


def test_nothing_to_list() -> None:
    assert first_listed((), {}) is None


def test_rules_that_contradict_each_other_end() -> None:
    """A circle of 'code first' notes ends with one of its codes."""
    assert first_listed(("A", "B"), {}, lambda code, other: True) is not None


def test_examination_is_first_or_not_reported() -> None:
    """A special examination that another code precedes goes (I.C.21.c.15); in front it stays."""
    assert set(only_first(("I10", "Z01.818"), "I10")) == {"Z01.818"}
    assert only_first(("I10", "Z01.818"), "Z01.818") == {}


def test_rules_are_cited() -> None:
    rules = order_rules()
    cited = [n.rule for n in rules.never] + [b.rule for b in rules.before]
    cited += [rule for rule, _ in (*rules.only, *rules.or_not)]
    assert len({r.id for r in cited}) == len(cited)
    assert all("FY2026" in r.citation and r.reason.endswith(".") for r in cited)


@pytest.mark.parametrize(
    ("before", "named"),
    [
        ("PRINCIPAL DIAGNOSIS: Acute systolic ", True),
        ("Principal discharge diagnosis:\n1. Acute systolic ", True),
        ("Principal diagnosis: sepsis.\nSecondary: ", False),
        ("The principal complaint was cough and ", False),
    ],
)
def test_what_the_note_names_principal(before: str, named: bool) -> None:
    """The diagnosis right behind the words, on their line or the next (Section II)."""
    text = f"{before}heart failure"
    start = len(before)
    mention = Mention(Span(start, len(text)), "failure heart", 2, 0, 0, 2, broken=False)
    support = Support(
        mention, Assertion.PRESENT, SectionKind.ASSESSMENT, None, "I50.9", "x", 0, 1, 1.0, True, False, 0.5
    )
    assert named_principal(text, support) is named
