"""Training encounters as they are written and in shorthand: what the predictor loses by each.

The notes are those that it learnt from, so only the differences say something.

python tests/bench/shorthand.py us-encounters/train.jsonl
"""

import argparse
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from model.document import Document, Setting
from model.prediction import Policy
from model.predictor import Predictor
from model.tokens import read_pairs

HERE = Path(__file__).resolve().parents[2]
INPATIENT = "inpatient_discharge"


def shortened(words: Mapping[str, str]) -> Callable[[str], str]:
    """Writes for each of the words what stands for it."""
    longest = sorted(words, key=len, reverse=True)
    found = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest))})\b", re.IGNORECASE)
    return lambda text: found.sub(lambda match: words[match[0].lower()], text)


def f1(predictor: Predictor, rows: list[dict[str, Any]], write: Callable[[str], str]) -> float:
    """Of core codes; what is acceptable counts neither way."""
    right = wrong = core_codes = 0
    for row in rows:
        setting = Setting.INPATIENT if row["setting"] == INPATIENT else Setting(row["setting"])
        codes = predictor.predict(Document(row["id"], write(row["text"]), setting), Policy.ENCOUNTER).codes
        suggested = {str(code.code) for code in codes if code.suggested}
        core, acceptable = ({code["code"] for code in row[kind]} for kind in ("core", "acceptable"))
        right, wrong = right + len(suggested & core), wrong + len(suggested - core - acceptable)
        core_codes += len(core)
    return 2 * right / (right + wrong + core_codes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("encounters", type=Path)
    rows = [json.loads(line) for line in parser.parse_args().encounters.read_text(encoding="utf-8").splitlines()]
    predictor = Predictor.load(HERE / "model" / "artifact")
    known = read_pairs(HERE / "model" / "spelled_out.tsv")
    ways: dict[str, Callable[[str], str]] = {
        "as written": str,
        "what spelled_out.tsv knows, in capitals": shortened({v: k.upper() for k, v in known.items()}),
        "R and L": shortened({"right": "R", "left": "L"}),
    }
    print(f"{len(rows)} notes, micro F1 (revision {predictor.revision})")
    for name, write in ways.items():
        print(f"{f1(predictor, rows, write):.3f}  {name}", flush=True)


if __name__ == "__main__":
    main()
