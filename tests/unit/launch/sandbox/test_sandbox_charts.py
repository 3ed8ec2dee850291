"""Chart folders become self-contained resources."""

import base64
import hashlib
import json
from pathlib import Path

import pytest

from launch.sandbox.charts import CHARTS, BadChart, load_charts
from launch.sandbox.settings import DEMO_USERS


def test_reads_resources_bundles_and_lines(tmp_path: Path) -> None:
    """A file holds one resource, a Bundle of them, or one a line."""
    one = {"resourceType": "Patient", "id": "a"}
    entries = [{"resource": {"resourceType": "Patient", "id": "b"}}]
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "one.json").write_text(json.dumps(one))
    (tmp_path / "bundle.json").write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries})
    )
    (tmp_path / "more.ndjson").write_text(
        '{"resourceType": "Patient", "id": "c"}\n{"resourceType": "Patient", "id": "d"}\n'
    )
    assert sorted(resource["id"] for resource in load_charts(tmp_path)) == ["a", "b", "c", "d"]


def test_embeds_note_files(tmp_path: Path) -> None:
    """_data_file becomes data, size and hash; a Binary has data alone; an attachment with url has no data."""
    (tmp_path / "note.rtf").write_bytes(b"{\\rtf}")
    attachments = [
        {"contentType": "text/rtf", "_data_file": "note.rtf"},
        {"url": "Binary/b", "_data_file": "note.rtf"},
    ]
    content = [{"attachment": attachment} for attachment in attachments]
    note = {"resourceType": "DocumentReference", "id": "n", "content": content}
    binary = {"resourceType": "Binary", "id": "b", "contentType": "text/rtf", "_data_file": "note.rtf"}
    (tmp_path / "note.json").write_text(json.dumps(note))
    (tmp_path / "file.json").write_text(json.dumps(binary))
    loaded = {resource["id"]: resource for resource in load_charts(tmp_path)}
    sha1 = base64.b64encode(hashlib.sha1(b"{\\rtf}").digest()).decode()
    here, elsewhere = (part["attachment"] for part in loaded["n"]["content"])
    assert here == {"contentType": "text/rtf", "size": 6, "hash": sha1, "data": "e1xydGZ9"}
    assert elsewhere == {"url": "Binary/b", "size": 6, "hash": sha1}
    assert loaded["b"] == {"resourceType": "Binary", "id": "b", "contentType": "text/rtf", "data": "e1xydGZ9"}


def test_resolves_conditional_references(tmp_path: Path) -> None:
    """A reference by identifier becomes one by id, or stays an identifier when nobody bears it."""
    practitioner = {"resourceType": "Practitioner", "id": "p", "identifier": [{"system": "urn:npi", "value": "1"}]}
    (tmp_path / "p.json").write_text(json.dumps(practitioner))
    author = [
        {"reference": "Practitioner?identifier=urn:npi|1", "display": "Known"},
        {"reference": "Practitioner?identifier=urn:npi|2", "display": "Unknown"},
    ]
    (tmp_path / "n.json").write_text(json.dumps({"resourceType": "DocumentReference", "id": "n", "author": author}))
    note = next(resource for resource in load_charts(tmp_path) if resource["id"] == "n")
    assert note["author"][0] == {"reference": "Practitioner/p", "display": "Known"}
    assert note["author"][1] == {
        "display": "Unknown",
        "type": "Practitioner",
        "identifier": {"system": "urn:npi", "value": "2"},
    }


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "a.json"),
        ("a.ndjson", '{"resourceType": "Patient", "id": "a"}\n{', "line 2"),
        ("a.json", '{"resourceType": "Patient"}', "no id"),
        ("a.json", '{"resourceType": "Binary", "id": "b", "_data_file": "gone.rtf"}', "gone.rtf"),
    ],
)
def test_names_what_is_wrong(tmp_path: Path, name: str, text: str, words: str) -> None:
    """A bad chart is refused with the file's name."""
    (tmp_path / name).write_text(text)
    with pytest.raises(BadChart, match=words):
        load_charts(tmp_path)


def test_names_a_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is said so."""
    with pytest.raises(BadChart, match="no folder"):
        load_charts(tmp_path / "gone")


def test_the_demonstration_charts_load() -> None:
    """The charts that come with the project are complete: every id once, every patient with an encounter and a note."""
    resources = load_charts(CHARTS)
    ids = [f"{resource['resourceType']}/{resource['id']}" for resource in resources]
    assert len(ids) == len(set(ids))
    patients = {name for name in ids if name.startswith("Patient/")}
    assert len(patients) >= 8
    assert {user.fhir_user for user in DEMO_USERS} <= set(ids)
    for kind in ("Encounter", "DocumentReference"):
        found = {r["subject"]["reference"] for r in resources if r["resourceType"] == kind}
        assert found == patients
