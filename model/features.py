"""What speaks for a code in a document, as numbers: the terms, where they stand, what coded notes taught."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.document import Setting
from model.experience import Experience
from model.prediction import Assertion
from model.reading import Mention
from model.sections import SectionKind
from model.tagger import Marks

SOURCES = "htixnseacugw"
_PLACES: tuple[tuple[str, frozenset[SectionKind]], ...] = (
    ("assessment", frozenset({SectionKind.ASSESSMENT, SectionKind.PROBLEMS})),
    ("plan", frozenset({SectionKind.PLAN})),
    ("complaint", frozenset({SectionKind.COMPLAINT, SectionKind.ADMISSION})),
    ("illness", frozenset({SectionKind.PRESENT_ILLNESS, SectionKind.COURSE})),
    ("past", frozenset({SectionKind.PAST, SectionKind.SURGICAL})),
    ("social", frozenset({SectionKind.SOCIAL})),
    ("medicines", frozenset({SectionKind.MEDICINES, SectionKind.ALLERGIES})),
    ("review", frozenset({SectionKind.REVIEW})),
    ("examination", frozenset({SectionKind.EXAMINATION})),
    ("results", frozenset({SectionKind.RESULTS, SectionKind.PROCEDURE})),
    ("instructions", frozenset({SectionKind.INSTRUCTIONS})),
    ("unheaded", frozenset({SectionKind.NONE})),
)
_LETTERS = "ABCDEFGHIJKLMNOQRSTZ"


@dataclass(frozen=True, slots=True)
class Support:
    """One mention that speaks for a code."""

    mention: Mention
    assertion: Assertion
    kind: SectionKind
    heading: str | None
    table_code: str  # as the table has it, before it was made specific
    source: str
    rank: int  # of the code among those of the term
    choices: int  # codes the term stands for
    share: float  # of the words of its sentence
    leads: bool  # no word of the sentence stands before it
    nested: bool  # inside a longer mention
    place: float  # 0 at the beginning of the document, 1 at its end
    presents: bool = False  # right behind 'presents with' or the like
    marks: Marks | None = None  # by the tagger
    fuller: str | None = None  # the code of the category that says more of what the statement says


@dataclass(frozen=True, slots=True)
class Scene:
    """What is true of the whole document."""

    setting: Setting
    words: int
    assessed: int  # confirmed conditions that are no symptoms, in the assessment
    uncertain: int  # conditions that are only suspected
    mentions: int
    assessing: bool = True  # whether it has an assessment or a plan


def describe(code: str, supports: Sequence[Support], scene: Scene, experience: Experience) -> dict[str, float]:
    """Every number the confidence rests on, by name."""
    return {
        **_terms(code, supports, experience),
        **_statements(supports),
        **_places(supports),
        **_code(code, experience),
        **_marks(supports),
        "words": math.log1p(scene.words),
        "assessed": min(scene.assessed, 8),
        "uncertain": min(scene.uncertain, 4),
        "crowd": math.log1p(scene.mentions),
        "assessing": float(scene.assessing),
        "inpatient": float(scene.setting is Setting.INPATIENT),
        "other_setting": float(scene.setting in (Setting.OTHER, Setting.ED)),
    }


def _terms(code: str, supports: Sequence[Support], experience: Experience) -> dict[str, float]:
    row: dict[str, float] = {}
    for kind in ("reports", "encounters"):
        taught = [experience.of_term(kind, s.mention.key, s.table_code) for s in supports]
        best = max(taught, key=lambda t: (t.rate, t.seen))
        asserted = [t for t, s in zip(taught, supports, strict=True) if s.assertion is Assertion.PRESENT]
        row[f"{kind}_rate"] = best.rate
        row[f"{kind}_seen"] = math.log1p(best.seen)
        row[f"{kind}_acceptable"] = max(t.acceptable_rate for t in taught)
        row[f"{kind}_present_rate"] = max((t.rate for t in asserted), default=0.0)
        row[f"{kind}_mean_rate"] = sum(t.rate for t in taught) / len(taught)
    for source in SOURCES:
        row[f"source_{source}"] = float(any(s.source == source for s in supports))
    row["rank"] = min(s.rank for s in supports)
    row["choices"] = min(s.choices for s in supports)
    row["length"] = max(s.mention.length for s in supports)
    row["characters"] = max(len(s.mention.key) for s in supports)
    row["broken"] = float(all(s.mention.broken for s in supports))
    row["gap"] = min(s.mention.gap for s in supports)
    row["resolved"] = float(all(s.table_code != code for s in supports))
    row["terms"] = len({s.mention.key for s in supports})
    return row


def _statements(supports: Sequence[Support]) -> dict[str, float]:
    counts = Counter(s.assertion for s in supports)
    row = {f"n_{a.value}": float(min(counts[a], 5)) for a in Assertion}
    row["mentions"] = math.log1p(len(supports))
    row["present_share"] = counts[Assertion.PRESENT] / len(supports)
    return row


def _places(supports: Sequence[Support]) -> dict[str, float]:
    standing = [s for s in supports if s.assertion in (Assertion.PRESENT, Assertion.HISTORICAL, Assertion.POSSIBLE)]
    row: dict[str, float] = {}
    for name, kinds in _PLACES:
        row[f"in_{name}"] = float(min(sum(s.kind in kinds for s in standing), 4))
    decided = [s for s in standing if s.kind in _PLACES[0][1] | _PLACES[1][1]]
    row["leads"] = float(any(s.leads for s in standing))
    row["presents"] = float(min(sum(s.presents for s in standing), 3))
    row["leads_assessment"] = float(min(sum(s.leads for s in decided), 3))
    row["nested"] = sum(s.nested for s in supports) / len(supports)
    row["share"] = max((s.share for s in standing), default=0.0)
    row["assessment_share"] = max((s.share for s in decided), default=0.0)
    row["complaint_share"] = max((s.share for s in standing if s.kind in _PLACES[2][1]), default=0.0)
    row["first_place"] = min((s.place for s in standing), default=1.0)
    row["last_place"] = max((s.place for s in standing), default=0.0)
    row["first_assessed"] = min((s.place for s in decided), default=1.0)
    return row


def _marks(supports: Sequence[Support]) -> dict[str, float]:
    """What the tagger says of the mentions, nothing where there is no tagger."""
    marked = [s.marks for s in supports if s.marks]
    if not marked:
        return {}
    best = max(marked, key=lambda m: (m.inside, m.cover))
    row = {
        "tag_any": best.inside,  # of any kind; a kind may itself be called 'inside'
        "tag_least": best.least,
        "tag_cover": best.cover,
        "tag_mean": sum(m.inside for m in marked) / len(marked),
        "tag_often": float(min(sum(m.inside > 0.5 for m in marked), 5)),
    }
    for at, (label, _) in enumerate(best.labels):
        row[f"tag_{label}"] = max(m.labels[at][1] for m in marked)
        row[f"tag_{label}_mean"] = sum(m.labels[at][1] for m in marked) / len(marked)
    return row


def _code(code: str, experience: Experience) -> dict[str, float]:
    row: dict[str, float] = {f"chapter_{letter}": float(code[0] == letter) for letter in _LETTERS}
    row["chapter_external"] = float(code[0] in "VWXY")
    row["unspecified"] = float(code.endswith("9") or code.endswith("9XA"))
    row["code_length"] = len(code)
    for kind in ("reports", "encounters"):
        for name, what in (("code", code), ("category", code[:3])):
            taught = experience.of_code(kind, what)
            row[f"{kind}_{name}_rate"] = taught.rate
            row[f"{kind}_{name}_seen"] = math.log1p(taught.seen)
    return row


_ORDERED = (
    "first_assessed", "first_place", "complaint_share", "assessment_share", "in_assessment", "in_complaint", "in_plan",
    "leads_assessment", "mentions", "share", "encounters_rate", "tag_core", "presents",
)  # fmt: skip


def in_order(rows: Mapping[str, Mapping[str, float]], likely: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Every code with how it stands to the others that are suggested beside it: what the first-listed is chosen by."""
    table = {code: {**row, "likely": likely[code]} for code, row in rows.items()}
    names = [name for name in (*_ORDERED, "likely") if all(name in row for row in table.values())]
    compared: dict[str, dict[str, float]] = {}
    for code, row in table.items():
        compared[code] = {**row, "suggested": float(len(table))}
        for name in names:
            values = [other[name] for other in table.values()]
            compared[code][f"{name}_before"] = float(sum(v < row[name] for v in values))
            compared[code][f"{name}_behind"] = float(sum(v > row[name] for v in values))
            compared[code][f"{name}_short"] = row[name] - max(values)
    return compared


def compare(rows: Mapping[str, dict[str, float]], rate: str) -> None:
    """Adds to every code how it stands among the other codes of the document and of its category."""
    strongest = sorted((row[rate] for row in rows.values()), reverse=True)
    by_category: dict[str, list[float]] = {}
    for code, row in rows.items():
        by_category.setdefault(code[:3], []).append(row[rate])
    for code, row in rows.items():
        kin = by_category[code[:3]]
        row["kin"] = len(kin)
        row["kin_margin"] = row[rate] - max([r for r in kin if r != row[rate]], default=0.0)
        row["kin_tied"] = float(kin.count(row[rate]) > 1)
        row["standing"] = strongest.index(row[rate]) / len(strongest)
        row["best_kin"] = float(row[rate] == max(kin))
