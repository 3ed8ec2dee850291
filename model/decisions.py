"""From understanding to prediction: the rules of the policy, the confidence, what is suggested and what comes first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.codes import ICD10CMCode
from model.confidence import Confidence
from model.document import Setting
from model.experience import Experience
from model.features import Support, compare, describe, in_order
from model.guidelines.beside import not_beside
from model.guidelines.claim import Claimed, for_claim
from model.guidelines.excluded import Excludes, excluded_pairs
from model.guidelines.integral import integral_signs
from model.guidelines.order import CodeFirst, first_listed, named_principal, only_first
from model.guidelines.specific import yielding_codes
from model.guidelines.spoken import SOURCE, TRIGGER
from model.prediction import Candidate, CodePrediction, Evidence, FiredRule, NotCoded, Policy
from model.understanding import Understanding

_LISTED = 0.02  # codes less likely than this are noise
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


def judge(understood: Understanding, policy: Policy, experience: Experience) -> Judgement:
    """Applies the rules of the policy to what the document says; `exhaustive` codes every mention as it stands.

    A code that a rule wrote is described as the code that the words name: it is as likely as that one.
    """
    if policy is Policy.EXHAUSTIVE:
        claimed = Claimed(understood.supports, {}, {}, {}, {}, {}, {})
    else:
        claimed = for_claim(understood.reading, understood.document, understood.supports)
    scene = understood.scene
    rows: dict[str, dict[str, float]] = {}
    for code, supports in claimed.supports.items():
        named = claimed.origins.get(code, code)
        spoken_for = set(supports)
        others = [s for s in understood.supports.get(named, ()) if s not in spoken_for]
        rows[code] = describe(named, [*supports, *others], scene, experience)
        rows[code]["made"] = float(code in claimed.made)
        rows[code]["replaced"] = float(code in claimed.replaced)
    if rows:
        fill(rows)
        compare(rows, RATE[policy])
    for code, beside in claimed.companions.items():
        rows[code] = dict(max((rows[c] for c in beside), key=lambda row: row[RATE[policy]]))
    weighed = {c: Weighed(c, claimed.supports[c], rows[c], claimed.rules.get(c, ())) for c in sorted(rows)}
    return Judgement(weighed, claimed.refused, claimed.replaced)


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

    @property
    def thresholds(self) -> dict[str, float]:
        """What the confidence of a code is held against."""
        return {"suggested": self._confidence.threshold, "listed": _LISTED}

    def decide(
        self, understood: Understanding, judgement: Judgement, titles: Mapping[str, str], policy: Policy
    ) -> tuple[tuple[CodePrediction, ...], tuple[NotCoded, ...]]:
        likely = {c: self._confidence.probability(w.features) for c, w in judgement.weighed.items()}
        ranked = sorted(likely, key=lambda c: (-likely[c], c))[:_MOST]
        suggested = {c for c in ranked if likely[c] >= self._confidence.threshold}
        dropped: dict[str, FiredRule] = {}
        if policy is Policy.ENCOUNTER:
            dropped = self._drop(suggested, likely, judgement, titles)
            suggested -= dropped.keys()
        first = self._first(understood, suggested, likely, judgement, titles) if policy is Policy.ENCOUNTER else None
        if first:
            dropped |= only_first(sorted(suggested), first[0])
            suggested -= dropped.keys()
        listed = [c for c in ranked if likely[c] >= _LISTED and c not in dropped]
        shown = sorted(set(listed) | suggested, key=lambda c: (-likely[c], c))
        codes = tuple(
            self._code(understood, judgement.weighed[c], likely, titles, c in suggested, first) for c in shown
        )
        return codes, tuple(self._not_coded(understood, judgement, dropped, titles))

    def _drop(
        self, suggested: set[str], likely: Mapping[str, float], judgement: Judgement, titles: Mapping[str, str]
    ) -> dict[str, FiredRule]:
        """Codes that another suggested code makes wrong: replaced, integral, less specific or excluded."""
        made = {rule.id for c in suggested for rule in judgement.weighed[c].rules}
        dropped = {c: r for c, r in judgement.replaced.items() if c in suggested and r.id in made}
        words = {c: [s.mention.span for s in judgement.weighed[c].supports] for c in suggested}
        ranked = sorted(suggested - dropped.keys(), key=lambda c: (-likely[c], c))
        dropped |= not_beside(ranked, judgement.weighed.keys(), words)
        dropped |= {c: r for c, r in integral_signs(suggested - dropped.keys(), titles).items() if c not in dropped}
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
        rivals = [c for c in likely if any(s.mention.span in words for s in understood.supports.get(c, ()))]
        return sorted({*rivals, weighed.code}, key=lambda c: (-likely[c], c))[:_CANDIDATES]

    def _not_coded(
        self,
        understood: Understanding,
        judgement: Judgement,
        dropped: Mapping[str, FiredRule],
        titles: Mapping[str, str],
    ) -> Iterable[NotCoded]:
        refusals = [(c, s, r) for c, (s, r) in judgement.refused.items() if s.rank == 0 and s.source != TRIGGER]
        refusals += [(c, judgement.weighed[c].supports[0], r) for c, r in dropped.items()]
        for code, support, rule in sorted(refusals, key=lambda x: (x[1].mention.span, x[0])):
            evidence = _evidence(understood, [support])[0]
            yield NotCoded(evidence, ICD10CMCode(code), titles[code], rule.reason, rule)


def _evidence(understood: Understanding, supports: Sequence[Support]) -> tuple[Evidence, ...]:
    text = understood.document.text
    spans = {s.mention.span: s for s in sorted(supports, key=lambda s: (s.mention.span, s.rank))}
    return tuple(Evidence(span, span.of(text), s.heading, s.assertion) for span, s in spans.items())
