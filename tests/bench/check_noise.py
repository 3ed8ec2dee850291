"""`make check-noise DATA=folder`: how often the rules before a signature speak of claims that coders made.

The right codes of every coded encounter make one claim: the first-listed code at its head, the others as they stand in
the file, which says no more of their order; with the words that the coders quoted. A person is supposed to have said
what was present on admission and that the principal diagnosis is. A remark on such a claim is noise, or a slip of
the coders. Gender and age are not known, so that 401 and 402 have nothing to say. `--tell 203,204` shows what those
rules said, with the id of the note.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from model.document import Setting
from model.evaluate.gold import Gold, read_encounters
from smartapp.checks import Level, Remark, remarks_on
from smartapp.reviews import NoteEvidence, Review, Suggestion

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))
from claims import admitted, book, claim, suggested

ENCOUNTERS = Path("us-encounters") / "train.jsonl"
Said = tuple[str, Remark]  # the id of a note, and what a rule says of its claim


def as_claim(gold: Gold) -> Review:
    """The coded note as a person would have decided on it."""
    text = gold.document.text
    codes = sorted(gold.codes, key=lambda code: code != gold.first_listed)
    review = (admitted if gold.document.setting is Setting.INPATIENT else claim)(*codes, note=text)
    return replace(review, suggestions=tuple(_proved(gold, text, code) for code in codes))


def _proved(gold: Gold, text: str, code: str) -> Suggestion:
    evidence = (NoteEvidence("n", s.start, s.end, text[s.start : s.end], None, "present") for s in gold.codes[code])
    return replace(suggested(code, text, ""), evidence=tuple(evidence))


def said_of(notes: Iterable[Gold]) -> list[Said]:
    return [(note.document.id, remark) for note in notes for remark in remarks_on(as_claim(note), book())]


def table(said: Iterable[Said], claims: int) -> str:
    """Rule, level, and of 100 claims how many it spoke of at least once."""
    spoken: Counter[tuple[int, str, Level]] = Counter()
    for number, name, level, _ in {(r.rule.number, r.rule.name, r.level, id) for id, r in said}:
        spoken[number, name, level] += 1
    rows = [f"{'rule':62} {'level':12} {'per 100 of ' + str(claims) + ' claims':>22}"]
    for (number, name, level), count in sorted(spoken.items()):
        rows.append(f"{number} {name[:57]:58} {level:12} {100 * count / claims:22.1f}")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of coded notes that `make train` takes")
    parser.add_argument("--tell", type=lambda value: {int(n) for n in value.split(",")}, default=set())
    options = parser.parse_args()
    notes = read_encounters(options.data / ENCOUNTERS)
    said = said_of(notes)
    print(table(said, len(notes)))
    for id, remark in said:
        if remark.rule.number in options.tell:
            print(f"{remark.rule.number} {remark.level} {id}: {remark.text}")


if __name__ == "__main__":
    main()
