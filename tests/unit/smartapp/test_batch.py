"""`chartside predict`: the format that outside measurements rely on."""

import io

import pytest

from model.document import Setting
from smartapp.batch import BadLine, read_documents

GOOD = b'{"id": "a", "text": "Asthma."}'


def test_reads_documents_with_setting() -> None:
    """Id, text and setting become a Document; blank lines and further keys are passed over."""
    lines = io.BytesIO(GOOD + b'\n\n{"id": "b", "text": "", "setting": "inpatient_discharge", "codes": []}\r\n')
    first, second = read_documents(lines)
    assert (first.id, first.text, first.setting) == ("a", "Asthma.", Setting.OUTPATIENT)
    assert (second.text, second.setting) == ("", Setting.INPATIENT)


@pytest.mark.parametrize(
    ("setting", "meaning"),
    [("outpatient", Setting.OUTPATIENT), ("ED", Setting.ED), ("inpatient", Setting.INPATIENT), ("spa", Setting.OTHER)],
)
def test_setting_words(setting: str, meaning: Setting) -> None:
    """The setting is read without regard to case; a word that is not known is `other`."""
    assert read_documents([f'{{"id": "a", "text": "x", "setting": "{setting}"}}'.encode()])[0].setting is meaning


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b"{", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"id": "a"}', '"text" is missing'),
        (b'{"text": "a"}', '"id" is missing'),
        (b'{"id": 3, "text": "a"}', '"id" must be a string'),
        (b'{"id": "a", "text": null}', '"text" must be a string'),
        (b'{"id": "a", "text": "x", "setting": 1}', '"setting" must be a string'),
        (b'{"id": "a", "text": "\xe9"}', "not UTF-8"),
    ],
)
def test_bad_line_is_named(line: bytes, what: str) -> None:
    """The first line that cannot be used is named by its number and what is wrong."""
    with pytest.raises(BadLine) as bad:
        read_documents([GOOD + b"\n", line])
    assert bad.value.number == 2
    assert what in bad.value.what
