"""The file of trusted EHRs changed by a command: what an admin wrote in it stays."""

import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest

from launch.ehr_file import add_ehr, change_ehr, write_private
from launch.ehrs import InvalidEHRFile, TrustedEHRs

WRITTEN = """\
# Ours since 2026; ask Kim before you change anything.

[[ehr]]
iss = "https://one.example/fhir"   # the test system
name = "One"
client_id = "us"
client_auth = "client_secret_basic"
client_secret = "s"
# two keys at most

[[ehr]]  # production
iss = "https://two.example/fhir/"
name = 'Two'
client_id = "us"
client_auth = "client_secret_basic"
client_secret = "s"
"""
NEW = {
    "iss": "https://three.example",
    "name": "Drei",
    "client_id": "us",
    "client_auth": "client_secret_basic",
    "client_secret": 'quote" back\\ é',
}


def beside(path):
    return [p.name for p in path.parent.iterdir()]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "ehrs.toml"
    path.write_text(WRITTEN, "utf-8")
    path.chmod(0o640)
    return path


def test_an_ehr_is_appended(path):
    """All that was there is there still, letter by letter; the new EHR is read as it was given."""
    add_ehr(path, NEW)
    assert path.read_text("utf-8").startswith(WRITTEN)
    added = TrustedEHRs.load(path).find("https://three.example")
    assert (added.name, added.client_secret) == ("Drei", NEW["client_secret"])
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_last_line_without_an_end_gets_one(path):
    """As editors of another world leave it."""
    path.write_text(WRITTEN.rstrip("\n"), "utf-8")
    add_ehr(path, NEW)
    assert path.read_text("utf-8").startswith(WRITTEN)


def test_the_first_ehr_makes_the_file(tmp_path):
    """Nobody else may read it, since it may hold a secret."""
    path = tmp_path / "ehrs.toml"
    add_ehr(path, NEW)
    assert [ehr.name for ehr in TrustedEHRs.load(path)] == ["Drei"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert beside(path) == ["ehrs.toml"]


def test_a_setting_is_changed_in_its_place(path):
    """With or without the slash at the end of iss; the rest of the file stays letter by letter."""
    change_ehr(path, "https://two.example/fhir", {"name": "Zwei"})
    assert path.read_text("utf-8") == WRITTEN.replace("'Two'", '"Zwei"')


def test_settings_come_and_go(path):
    """A new one goes into its own table; None takes one away."""
    change_ehr(path, "https://one.example/fhir", {"assume_s256": True, "vendor": "epic"})
    change_ehr(path, "https://one.example/fhir", {"assume_s256": None})
    one, two = TrustedEHRs.load(path)
    assert (one.vendor, one.assume_s256, two.vendor) == ("epic", False, "generic")
    assert "# two keys at most" in path.read_text("utf-8")


def test_a_long_list_can_be_read(path):
    """One text a line, so that a person finds the one that changes."""
    scopes = ["launch", "openid", "fhirUser", *(f"patient/Type{letter}.rs" for letter in "ABCDEFG")]
    change_ehr(path, "https://one.example/fhir", {"scopes": scopes})
    assert max(map(len, path.read_text("utf-8").splitlines())) < 100
    assert TrustedEHRs.load(path).find("https://one.example/fhir").scopes == tuple(scopes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path: add_ehr(path, NEW | {"iss": "http://three.example"}), "iss must be an https address"),
        (lambda path: add_ehr(path, NEW | {"iss": "https://one.example/fhir/"}), "listed twice"),
        (lambda path: add_ehr(path, NEW | {"clientid": "x"}), "clientid is not a setting"),
        (lambda path: change_ehr(path, "https://one.example/fhir", {"name": None}), "name is missing"),
        (lambda path: change_ehr(path, "https://none.example", {"name": "x"}), "no [[ehr]] table with iss"),
    ],
)
def test_what_could_not_be_used_is_not_written(path, change, words):
    """The application would not start with it: the file stays as it is, and nothing is left beside it."""
    with pytest.raises(InvalidEHRFile) as refused:
        change(path)
    assert words in str(refused.value)
    assert path.read_text("utf-8") == WRITTEN
    assert beside(path) == ["ehrs.toml"]


@pytest.mark.parametrize("text", ["[[ehr", "ehr = [{iss = 'https://a.example'}]", "ehr = 3"])
def test_a_file_that_is_not_ours_to_change(path, text):
    """Broken, or the EHRs written another way: said so and left alone."""
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidEHRFile):
        add_ehr(path, NEW)
    assert path.read_text("utf-8") == text


def test_a_link_stays_a_link(path, tmp_path):
    """Deployments point at the file that is in force."""
    link = tmp_path / "current.toml"
    link.symlink_to(path.name)
    add_ehr(link, NEW)
    assert link.is_symlink()
    assert "three.example" in path.read_text("utf-8")


def test_changes_at_the_same_time_are_all_kept(path):
    """Two admins, or a page and a command."""
    with ThreadPoolExecutor(8) as people:
        list(people.map(lambda n: add_ehr(path, NEW | {"iss": f"https://{n}.example"}), range(8)))
    assert len(tomllib.loads(path.read_text("utf-8"))["ehr"]) == 10


def test_a_write_that_fails_leaves_the_old_file(path):
    """A text that cannot be written is none of the file's business."""
    with pytest.raises(UnicodeEncodeError):
        write_private(path, "\ud800", like=path)
    assert path.read_text("utf-8") == WRITTEN
    assert beside(path) == ["ehrs.toml"]
