"""Who may call the CDS service, in the file of trusted EHRs."""

from pathlib import Path

import pytest

from launch.ehrs import EHR, InvalidEHRFile, TrustedEHRs

GOOD = {
    "iss": "https://ehr.example/fhir",
    "name": "Example Hospital",
    "client_id": "us",
    "client_auth": "client_secret_basic",
    "client_secret": "s",
    "cds_issuer": "https://ehr.example",
    "cds_jwks_url": "https://ehr.example/keys",
}


def test_found_by_the_issuer_of_its_calls() -> None:
    """Letter by letter; an EHR that has none is found by nothing, not even by nothing."""
    ehr, other = (
        EHR(iss, "name", "us", "public", cds_issuer=c) for iss, c in (("https://a", "A"), ("https://b", None))
    )
    ehrs = TrustedEHRs([ehr, other])
    assert ehrs.of_cds_issuer("A") is ehr
    assert [ehrs.of_cds_issuer(issuer) for issuer in ("a", "", None, ["A"], 1)] == [None] * 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cds_jwks_url": ""}, "go together"),
        ({"cds_issuer": ""}, "go together"),
        ({"cds_jwks_url": "http://ehr.example/keys"}, "must be an https address"),
        ({"cds_jwks_url": "http://127.0.0.1/keys"}, "must be an https address"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], words: str) -> None:
    """Keys without an issuer, an issuer without keys, keys that anybody could swap."""
    with pytest.raises(ValueError, match=words):
        EHR.from_table(GOOD | change, Path())


def test_one_issuer_is_one_ehr(tmp_path: Path) -> None:
    """Two EHRs with one issuer could not be told apart."""
    tables = (GOOD, GOOD | {"iss": "https://two.example/fhir"})
    lines = [line for t in tables for line in ("[[ehr]]", *(f'{k} = "{v}"' for k, v in t.items()))]
    (tmp_path / "ehrs.toml").write_text("\n".join(lines))
    with pytest.raises(InvalidEHRFile, match="listed twice"):
        TrustedEHRs.load(tmp_path / "ehrs.toml")
