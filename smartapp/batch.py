"""Many texts at once: JSON lines in, JSON lines out, whole or not at all."""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

from tqdm import tqdm

from model.document import Document, Setting
from model.prediction import Policy


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
    """Outpatient where the line does not say; `inpatient_discharge` is inpatient; a word that is not known is `other`."""
    if setting is None:
        return Setting.OUTPATIENT
    if not isinstance(setting, str):
        raise BadLine(number, f'"setting" must be a string, one of {", ".join(Setting)}')
    word = setting.strip().lower()
    known = (s for s in Setting if word == s or word.startswith(f"{s}_"))
    return next(known, Setting.OTHER)


def predict_file(documents: Sequence[Document], policy: Policy, artifact: Path, target: Path | None) -> None:
    """Writes one line a document to `target` (None: standard output), by way of a file beside it that is renamed at the end."""
    from model.predictor import Predictor  # loads torch

    predictor = Predictor.load(artifact)
    lines = (
        json.dumps(predictor.predict(document, policy).to_line(), ensure_ascii=False)
        for document in tqdm(documents, unit="note", disable=None, file=sys.stderr)
    )
    if target is None:
        whole = "".join(f"{line}\n" for line in lines)
        sys.stdout.buffer.write(whole.encode("utf-8", "surrogateescape"))
        return
    handle = tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.resolve().parent, prefix=".chartside-", delete=False)
    try:
        with handle:
            write_lines(handle, lines)
        Path(handle.name).chmod(0o666 & ~umask())
        Path(handle.name).replace(target)
    except BaseException:
        Path(handle.name).unlink(missing_ok=True)
        raise


def write_lines(handle: IO[str], lines: Iterable[str]) -> None:
    for line in lines:
        handle.write(line + "\n")


def umask() -> int:
    """The process's file mode mask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
