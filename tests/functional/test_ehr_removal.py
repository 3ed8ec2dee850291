"""`chartside ehr remove`: an EHR is trusted no more, and what hung on it is said before and dealt with after."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from deployment import ONE, OTHER, Deployment

from launch.ehr_file import add_ehr, change_ehr
from launch.ehrs import InvalidEHRFile, TrustedEHRs
from launch.vault import Vault
from smartapp import store
from smartapp.audit import AuditLog
from smartapp.config import Config
from smartapp.reviews import Action, Attestation, Reviewer, ReviewKey, ReviewStatus

ANA = Reviewer("Practitioner/ana", "Ana Ruiz, MD")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


class Hospital(Deployment):
    """A deployment with two EHRs, people signed in, and reviews."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        config = Config.from_env(self.environ)
        self.path, self.engine = config.ehrs_file, store.connect(config.database_url)
        self.reviews = store.ReviewStore(self.engine, Vault(config.secret_keys), AuditLog(self.engine))

    def review(self, iss: str, encounter: str, status: ReviewStatus) -> None:
        key = ReviewKey(iss, "patient-77", encounter)
        self.reviews.create(key, NOW)
        with self.reviews.change(key, NOW) as draft:
            draft.add_decision(Action.ADD, "I10", "Essential (primary) hypertension", None, ANA, NOW)
            if status is not ReviewStatus.READY:
                draft.attest(Attestation(ANA, NOW, "I stand for it."))
            draft.set_status(status)

    def remove(self, *words: str, answer: str = "") -> Result:
        return self.run("ehr", "remove", *words, answer=answer)

    def listed(self) -> list[str]:
        return [ehr.iss for ehr in TrustedEHRs.load(self.path)]


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    return Hospital(tmp_path)


def test_what_becomes_of_it_is_said_and_asked(hospital: Hospital) -> None:
    """Sessions, signed and not written, begun and not signed: counted for this EHR alone. No: nothing happens."""
    session = hospital.sign_in(ONE, "Practitioner/1")
    hospital.sign_in(OTHER, "Practitioner/2")
    for encounter, status in (("a", "partly-written"), ("b", "refused"), ("c", "written"), ("d", "ready")):
        hospital.review(ONE, encounter, ReviewStatus(status))
    hospital.review(OTHER, "a", ReviewStatus.REFUSED)
    result = hospital.remove(ONE, answer="n\n")
    assert result.exit_code == 1
    assert "1 person is signed in from it" in result.stdout
    assert "2 signed encounters are not all in the chart yet" in result.stdout
    assert "1 encounter was begun and not signed" in result.stdout
    assert "patient-77" not in result.output
    assert hospital.listed() == [ONE, OTHER]
    assert hospital.is_open(session)


def test_it_is_trusted_no_more(hospital: Hospital) -> None:
    """It is off the list, its sessions are over and told to the audit log; the other EHR's go on."""
    session, other = hospital.sign_in(ONE, "Practitioner/1"), hospital.sign_in(OTHER, "Practitioner/2")
    result = hospital.remove(ONE + "/", "--yes")
    assert result.exit_code == 0, result.output
    assert hospital.listed() == [OTHER]
    assert not hospital.is_open(session)
    assert hospital.is_open(other)
    with hospital.engine.connect() as db:
        told = db.exec_driver_sql("SELECT event FROM audit_event").scalars().all()
    assert any("Practitioner/1" in str(event) for event in told)
    assert not any("Practitioner/2" in str(event) for event in told)


def test_its_access_is_given_back(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the list: nobody comes in behind; the EHR is still known for that."""
    ended: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        "launch.launcher.Launcher.dismiss",
        lambda self, session, of: ended.append((of.iss, ONE in hospital.listed())),
    )
    hospital.sign_in(ONE, "Practitioner/1")
    assert hospital.remove(ONE, "--yes").exit_code == 0
    assert ended == [(ONE, False)]


def test_the_last_one(hospital: Hospital) -> None:
    """The list is empty then, trusts nobody, and takes a new one."""
    assert hospital.remove(ONE, "--yes").exit_code == hospital.remove(OTHER, "--yes").exit_code == 0
    assert hospital.listed() == []
    watched = TrustedEHRs.watch(hospital.path)
    add_ehr(hospital.path, {"iss": ONE, "name": "EHR", "client_id": "c", "client_auth": "public"})
    assert [ehr.iss for ehr in watched] == [ONE]


def test_a_broken_one(hospital: Hospital) -> None:
    """What cannot be used can be removed; not while another cannot be used either: the list would not be in force."""
    text = hospital.path.read_text()
    broken = text.replace(f'"{ONE}"', f'"{ONE}"\ncolour = "red"')
    hospital.path.write_text(broken)
    assert hospital.remove(ONE, "--yes").exit_code == 0
    assert hospital.listed() == [OTHER]
    hospital.path.write_text(broken)
    refused = hospital.remove(OTHER, "--yes")
    assert refused.exit_code == 1
    assert "colour is not a setting" in refused.stderr
    assert hospital.path.read_text() == broken


def test_what_is_not_there(hospital: Hospital) -> None:
    """An EHR that is not listed, and settings that are missing, are named."""
    assert "there is no [[ehr]] table" in hospital.remove("https://unknown.example", "--yes").stderr
    hospital.environ["CHARTSIDE_SECRET_KEYS"] = ""
    assert "CHARTSIDE_SECRET_KEYS is not set" in hospital.remove(ONE, "--yes").stderr


def test_added_again(hospital: Hospital) -> None:
    """Under the same address: what was signed is found again, to be finished."""
    hospital.review(ONE, "a", ReviewStatus.PARTLY_WRITTEN)
    assert hospital.remove(ONE, "--yes").exit_code == 0
    with pytest.raises(InvalidEHRFile):
        change_ehr(hospital.path, ONE, {"standalone": True})
    add_ehr(hospital.path, {"iss": ONE, "name": "EHR", "client_id": "c", "client_auth": "public"})
    assert hospital.reviews.count_unfinished(ONE) == 1
