"""Many texts at once: JSON lines in, JSON lines out, whole or not at all."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tqdm import tqdm

from model.document import Document, Setting
from model.prediction import Policy
from model.predictor import Predictor


class BadLine(Exception):
    """A line of the input that cannot be used: its number, counted from one, and what is wrong with it."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"line {number}: {what}")
        self.number, self.what = number, what


def read_documents(lines: Iterable[bytes]) -> list[Document]:
    """All documents of the input; raises BadLine at the first line that is not one. Blank lines are passed over."""
    return [parse_document(n, line) for n, line in enumerate(lines, 1) if line.strip()]


def parse_document(number: int, line: bytes) -> Document:
    try:
        value = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as wrong:
        raise BadLine(number, f"not UTF-8 (byte {wrong.start + 1})") from None
    except (json.JSONDecodeError, RecursionError) as wrong:
        where = f" (column {wrong.colno}: {wrong.msg})" if isinstance(wrong, json.JSONDecodeError) else ""
        raise BadLine(number, f"not JSON{where}") from None
    if not isinstance(value, dict):
        raise BadLine(number, 'not a JSON object; expected {"id", "text", "setting"?}')
    for key in ("id", "text"):
        if key not in value:
            raise BadLine(number, f'"{key}" is missing')
        if not isinstance(value[key], str):
            raise BadLine(number, f'"{key}" must be a string')
    return Document(value["id"], value["text"], parse_setting(number, value.get("setting")))


def parse_setting(number: int, setting: object) -> Setting:
    """Outpatient if not said; `inpatient_discharge` is inpatient; a word that is not known is `other`."""
    if setting is None:
        return Setting.OUTPATIENT
    if not isinstance(setting, str):
        raise BadLine(number, f'"setting" must be a string, one of {", ".join(Setting)}')
    word = setting.strip().lower()
    known = next((s for s in Setting if word == s or word.startswith(f"{s}_")), None)
    if known is None:
        sys.stderr.write(f"chartside: line {number}: the setting is none of {', '.join(Setting)}; taken as other\n")
    return known or Setting.OTHER


def predict_file(documents: Sequence[Document], predictor: Predictor, policy: Policy, target: Path | None) -> None:
    """Writes one line a document to `target` (None: standard output), through a file beside it, renamed at the end."""
    lines = (
        json.dumps(predictor.predict(document, policy).to_line(), ensure_ascii=False) + "\n"
        for document in tqdm(documents, unit="note", disable=None, file=sys.stderr)
    )
    if target is None:
        sys.stdout.buffer.write("".join(lines).encode("utf-8", "surrogatepass"))
        return
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", errors="surrogatepass") as out:
            out.writelines(lines)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
