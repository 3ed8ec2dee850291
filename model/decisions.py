"""From understanding to prediction: the rules of the policy, the confidence, what is suggested and what comes first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from model.codes import ICD10CMCode
from model.confidence import Confidence
from model.document import Setting
from model.experience import Experience
from model.features import Scene, Support, compare, describe, in_order
from model.guidelines.beside import choose_one, not_beside
from model.guidelines.claim import Claimed, for_claim
from model.guidelines.excluded import Excludes, excluded_pairs
from model.guidelines.integral import integral_signs
from model.guidelines.order import CodeFirst, first_listed, named_principal, never_first, only_first
from model.guidelines.reasons import reasons
from model.guidelines.specific import in_detail, yielding_codes
from model.guidelines.spoken import SOURCE, TRIGGER
from model.prediction import Assertion, Candidate, CodePrediction, Evidence, FiredRule, NotCoded, Policy
from model.sections import SectionKind
from model.understanding import Understanding

# Codes less likely than this are noise; nobody reads sixty maybes beside a note.
_LISTED = {Policy.EXHAUSTIVE: 0.02, Policy.ENCOUNTER: 0.05}
_KNOWN = 4  # times that coded notes hold a term, from which its rate says something
_RARE, _RARE_ALONE = 0.03, 0.1  # rates of terms that mean nothing, and of single words of the code book
_PRINTED = "xsei"
_SHORTENED, _MANY = "s", 4  # titles cut short, and how many codes one stands for when it tells nothing
_APART = 2  # other words between its own: no reader would see the condition in them
_LIKELY = 0.25  # the reason of an encounter at least, where no code reaches the threshold
_TOLD = frozenset({SectionKind.PAST, SectionKind.SURGICAL, SectionKind.FAMILY, SectionKind.SOCIAL})
_FITS = 0.005  # candidates less likely are 0 % to a reader
_MOST = 60
_CANDIDATES = 6
RATE = {Policy.EXHAUSTIVE: "reports_rate", Policy.ENCOUNTER: "encounters_rate"}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A code of the document with its evidence, its features and the rules that touched it."""

    code: str
    supports: Sequence[Support]
    features: Mapping[str, float]
    rules: tuple[FiredRule, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What may be coded, and what may not and why."""

    weighed: dict[str, Weighed]
    refused: dict[str, tuple[Support, FiredRule]]
    replaced: Mapping[str, FiredRule]
    sure: frozenset[str] = frozenset()  # what the Guidelines demand for plain words of the note


def judge(understood: Understanding, policy: Policy, experience: Experience) -> Judgement:
    """Applies the rules of the policy to what the document says; `exhaustive` codes every mention as it stands.

    A code that a rule wrote is described as the code that the words name: it is as likely as that one.
    """
    if policy is Policy.EXHAUSTIVE:
        claimed = Claimed(understood.supports, {}, {}, {}, {}, {}, {}, {})
    else:
        claimed = for_claim(understood.reading, understood.document, understood.supports)
    scene = understood.scene
    rows: dict[str, dict[str, float]] = {}
    for code, supports in claimed.supports.items():
        named = claimed.origins.get(code, code)
        spoken_for = set(supports)
        others = [s for s in understood.supports.get(named, ()) if s not in spoken_for]
        rows[code] = describe(named, [*_at_discharge(supports, scene), *others], scene, experience)
        rows[code]["made"] = float(code in claimed.made)
        rows[code]["replaced"] = float(code in claimed.replaced)
    if rows:
        fill(rows)
        compare(rows, RATE[policy])
    for code, beside in claimed.companions.items():
        rows[code] = dict(max((rows[c] for c in beside), key=lambda row: row[RATE[policy]]))
    weighed = {c: Weighed(c, claimed.supports[c], rows[c], claimed.rules.get(c, ())) for c in sorted(rows)}
    refused = {c: (s, rule) for c, (s, rule) in claimed.refused.items() if not _means_nothing(s, experience)}
    return Judgement(weighed, refused, claimed.replaced, frozenset(claimed.sure))


def _at_discharge(supports: Sequence[Support], scene: Scene) -> Sequence[Support]:
    """An inpatient's diagnosis that is still uncertain at discharge is as likely as one that is not (Section II.H)."""
    if scene.setting is not Setting.INPATIENT:
        return supports
    return [replace(s, assertion=Assertion.PRESENT) if s.assertion is Assertion.POSSIBLE else s for s in supports]


def _means_nothing(support: Support, experience: Experience) -> bool:
    """Words that coded notes hold often and hardly ever for the code: 'nodes', 'PCP', 'does'."""
    taught = experience.of_term("encounters", support.mention.key, support.table_code)
    reports = experience.of_term("reports", support.mention.key, support.table_code)
    rate = max(taught.rate, taught.acceptable_rate, reports.rate if reports.seen >= _KNOWN else 0.0)
    general = support.mention.length == 1 and support.source in _PRINTED
    return taught.seen >= _KNOWN and rate < (_RARE_ALONE if general else _RARE)


def fill(rows: Mapping[str, dict[str, float]]) -> None:
    """Words that only a rule reads lack what is told of the other mentions: 0 for them."""
    names = {name for row in rows.values() for name in row}
    for row in rows.values():
        row.update(dict.fromkeys(names - row.keys(), 0.0))


class Decider:
    """Turns a judgement into codes with confidence, most confident first."""

    def __init__(
        self,
        confidence: Confidence,
        first_listed: Confidence | None,
        excludes: Excludes,
        code_first: CodeFirst | None = None,
    ) -> None:
        self._confidence = confidence
        self._first_listed = first_listed
        self._excludes = excludes
        self._code_first = code_first

    def thresholds(self, policy: Policy) -> dict[str, float]:
        """What the confidence of a code is held against."""
        return {"suggested": self._confidence.threshold, "listed": _LISTED[policy]}

    def decide(
        self, understood: Understanding, judgement: Judgement, titles: Mapping[str, str], policy: Policy
    ) -> tuple[tuple[CodePrediction, ...], tuple[NotCoded, ...]]:
        likely = {c: self._confidence.probability(w.features) for c, w in judgement.weighed.items()}
        likely |= {c: max(likely[c], reasons()[1]) for c in judgement.sure}
        either: dict[str, FiredRule] = {}
        if policy is Policy.ENCOUNTER:
            likely, either = choose_one(likely, self._confidence.threshold)
            supports = {c: w.supports for c, w in judgement.weighed.items()}
            likely, vague = in_detail(likely, titles, supports, self._excludes)
            either |= vague
        ranked = sorted(likely, key=lambda c: (-likely[c], c))[:_MOST]
        suggested = {c for c in ranked if likely[c] >= self._confidence.threshold}
        if policy is Policy.ENCOUNTER:
            suggested = {c for c in suggested if not all(map(_is_torn, judgement.weighed[c].supports))}
            suggested = suggested or _reason(ranked, likely, judgement)
        dropped: dict[str, FiredRule] = {}
        if policy is Policy.ENCOUNTER:
            dropped = self._drop(suggested, likely, judgement, titles, understood.document.text)
            suggested -= dropped.keys()
        first = self._first(understood, suggested, likely, judgement, titles) if policy is Policy.ENCOUNTER else None
        if first:
            dropped |= only_first(sorted(suggested), first[0])
            suggested -= dropped.keys()
        dropped |= either
        listed = [c for c in ranked if likely[c] >= _LISTED[policy] and c not in dropped]
        shown = sorted(set(listed) | suggested, key=lambda c: (-likely[c], c))
        codes = tuple(
            self._code(understood, judgement.weighed[c], likely, titles, c in suggested, first) for c in shown
        )
        return codes, tuple(self._not_coded(understood, judgement, dropped, titles))

    def _drop(
        self,
        suggested: set[str],
        likely: Mapping[str, float],
        judgement: Judgement,
        titles: Mapping[str, str],
        text: str,
    ) -> dict[str, FiredRule]:
        """Codes that another suggested code makes wrong: replaced, integral, less specific or excluded."""
        made = {rule.id for c in suggested for rule in judgement.weighed[c].rules}
        dropped = {c: r for c, r in judgement.replaced.items() if c in suggested and r.id in made}
        words = {c: [s.mention.span for s in judgement.weighed[c].supports] for c in suggested}
        ranked = sorted(suggested - dropped.keys(), key=lambda c: (-likely[c], c))
        dropped |= not_beside(ranked, judgement.weighed.keys(), words)
        dropped |= integral_signs(suggested - dropped.keys(), titles, text)
        terms = {c: [s.mention.key for s in judgement.weighed[c].supports if s.source != SOURCE] for c in suggested}
        dropped |= yielding_codes(suggested - dropped.keys(), titles, words, self._excludes, terms, likely)
        # A sign yields to the diagnosis that excludes it, however sure (Sections I.B.4 and IV.D).
        left = sorted(suggested - dropped.keys(), key=lambda c: (c[0] == "R", -likely[c], c))
        return dropped | excluded_pairs(left, self._excludes)

    def _first(
        self,
        understood: Understanding,
        suggested: Iterable[str],
        likely: Mapping[str, float],
        judgement: Judgement,
        titles: Mapping[str, str],
    ) -> tuple[str, FiredRule | None] | None:
        """The first-listed code (Section IV.G), by what coded encounters listed first where no rule decides.

        Of an admission it is what the note names the principal diagnosis, or else no sign or status beside a diagnosis
        (Section II.A).
        """
        rows = in_order({c: judgement.weighed[c].features for c in suggested}, likely)
        ranker = self._first_listed or self._confidence
        ranked = sorted(suggested, key=lambda c: (-ranker.raw(rows[c]), c))
        if understood.document.setting is Setting.INPATIENT:
            text = understood.document.text
            named = {c for c in ranked if any(named_principal(text, s) for s in judgement.weighed[c].supports)}
            ranked.sort(key=lambda c: (c not in named, c[0] in "RZ"))
        return first_listed(ranked, titles, self._code_first)

    def _code(
        self,
        understood: Understanding,
        weighed: Weighed,
        likely: Mapping[str, float],
        titles: Mapping[str, str],
        suggested: bool,
        first: tuple[str, FiredRule | None] | None,
    ) -> CodePrediction:
        leads = first is not None and first[0] == weighed.code
        placed = (first[1],) if leads and first and first[1] else ()
        rivals = self._rivals(understood, weighed, likely)
        return CodePrediction(
            code=ICD10CMCode(weighed.code),
            title=titles[weighed.code],
            confidence=round(likely[weighed.code], 4),
            suggested=suggested,
            first_listed=leads,
            evidence=_evidence(understood, weighed.supports),
            candidates=tuple(Candidate(ICD10CMCode(c), titles[c], round(likely[c], 4)) for c in rivals),
            rules=(*weighed.rules, *placed),
        )

    def _rivals(self, understood: Understanding, weighed: Weighed, likely: Mapping[str, float]) -> list[str]:
        """The codes the same words could have meant, and the code itself."""
        words = {s.mention.span for s in weighed.supports}
        fitting = [c for c in likely if likely[c] >= _FITS]
        rivals = [c for c in fitting if any(s.mention.span in words for s in understood.supports.get(c, ()))]
        return sorted({*rivals, weighed.code}, key=lambda c: (-likely[c], c))[:_CANDIDATES]

    def _not_coded(
        self,
        understood: Understanding,
        judgement: Judgement,
        dropped: Mapping[str, FiredRule],
        titles: Mapping[str, str],
    ) -> Iterable[NotCoded]:
        refusals = [
            (code, support, rule)
            for code, (support, rule) in judgement.refused.items()
            if support.rank == 0 and support.source != TRIGGER and support.mention.gap < _APART
        ]
        refusals += [(c, judgement.weighed[c].supports[0], r) for c, r in dropped.items()]
        for code, support, rule in sorted(refusals, key=lambda x: (x[1].mention.span, x[0])):
            evidence = _evidence(understood, [support])[0]
            yield NotCoded(evidence, ICD10CMCode(code), titles[code], rule.reason, rule)


def _reason(ranked: Sequence[str], likely: Mapping[str, float], judgement: Judgement) -> set[str]:
    """The likeliest that the note confirms, where nothing is sure: an encounter has a reason (Sections II and IV.G)."""
    for code in (c for c in ranked if likely[c] >= _LIKELY and not never_first(c, "")):
        current = (s for s in judgement.weighed[code].supports if s.kind not in _TOLD and not _is_torn(s))
        if any(s.assertion is Assertion.PRESENT for s in current):
            return {code}
    return set()


def _is_torn(support: Support) -> bool:
    """A title without what tells it from others: 'open bite' names no part of the body (Section I.B.2)."""
    return support.source == _SHORTENED and support.choices >= _MANY


def _evidence(understood: Understanding, supports: Sequence[Support]) -> tuple[Evidence, ...]:
    text = understood.document.text
    spans = {s.mention.span: s for s in sorted(supports, key=lambda s: (s.mention.span, s.rank))}
    return tuple(Evidence(span, span.of(text), s.heading, s.assertion) for span, s in spans.items())
