"""The file of trusted EHRs."""

import logging

import pytest
from joserfc.jwk import ECKey, RSAKey

from launch.ehr_file import add_ehr
from launch.ehrs import EHR, InvalidEHRFile, TrustedEHRs
from launch.errors import UntrustedIssuer

GOOD = {
    "iss": "https://ehr.example/fhir",
    "name": "Example Hospital",
    "client_id": "us",
    "client_auth": "client_secret_basic",
    "client_secret": "s",
}


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pems")
    made = {
        "p384": ECKey.generate_key("P-384").as_pem(private=True),
        "rsa": RSAKey.generate_key(2048).as_pem(private=True),
        "p256": ECKey.generate_key("P-256").as_pem(private=True),
        "public": ECKey.generate_key("P-384").as_pem(private=False),
        "text": b"no key at all",
    }
    for name, pem in made.items():
        (folder / f"{name}.pem").write_bytes(pem)
    return folder


def written(folder, *tables):
    def shown(value):
        return str(value).lower() if isinstance(value, bool) else repr(value)

    lines = [
        line for t in tables for line in ["[[ehr]]", *(f"{k} = {shown(v)}" for k, v in t.items() if v is not None)]
    ]
    path = folder / "ehrs.toml"
    path.write_text("\n".join(lines), "utf-8")
    return path


def complaints(folder, *tables):
    with pytest.raises(InvalidEHRFile) as refused:
        TrustedEHRs.load(written(folder, *tables))
    return str(refused.value)


def test_a_good_file_is_read(tmp_path):
    """Every setting ends where it belongs; a slash at the end of iss does not count."""
    table = GOOD | {
        "iss": GOOD["iss"] + "/",
        "scopes": ["launch", "openid", "fhirUser", "user/Condition.c"],
        "id_token_issuers": ["https://idp.example"],
        "embed_origins": ["https://ehr.example"],
        "assume_s256": True,
        "standalone": True,
        "style_hosts": ["styles.example"],
    }
    (ehr,) = TrustedEHRs.load(written(tmp_path, table))
    assert ehr == EHR(
        iss="https://ehr.example/fhir",
        name="Example Hospital",
        client_id="us",
        client_auth="client_secret_basic",
        client_secret="s",
        scopes=("launch", "openid", "fhirUser", "user/Condition.c"),
        id_token_issuers=("https://idp.example",),
        embed_origins=("https://ehr.example",),
        assume_s256=True,
        standalone=True,
        style_hosts=("styles.example",),
    )


@pytest.mark.requirement("@11")
@pytest.mark.requirement("@65")
@pytest.mark.parametrize(("name", "alg"), [("p384", "ES384"), ("rsa", "RS384")])
def test_a_key_is_the_usual_proof(pems, name, alg):
    """Without a word on client_auth a key is needed; it is found beside the file and fixes the algorithm."""
    table = {k: GOOD[k] for k in ("iss", "name", "client_id")} | {"private_keys": [f"{name}.pem"]}
    (ehr,) = TrustedEHRs.load(written(pems, table))
    assert (ehr.client_auth, ehr.keys[0].alg) == ("private_key_jwt", alg)


@pytest.mark.requirement("@290")
@pytest.mark.requirement("@23")
@pytest.mark.requirement("@12")
@pytest.mark.requirement("@1")
@pytest.mark.requirement("@235")
@pytest.mark.requirement("@148")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iss": None}, "iss is missing"),
        ({"name": None}, "name is missing"),
        ({"client_id": ""}, "client_id is missing"),
        ({"client_id": 7}, "client_id must be text"),
        ({"iss": "http://ehr.example/fhir"}, "iss must be an https address"),
        ({"iss": "https://user:word@ehr.example/fhir"}, "iss must be an https address"),
        ({"iss": "https://ehr.example/fhir?x=y"}, "iss must be an https address"),
        ({"iss": "https:///fhir"}, "iss must be an https address"),
        ({"iss": "https://ehr.example; script-src *"}, "iss must be an https address"),
        ({"iss": "https://ehr.example\n/fhir"}, "iss must be an https address"),
        ({"client_auth": "client_secret_post"}, "client_auth must be"),
        ({"vendor": "acme"}, "vendor must be one of generic, epic"),
        ({"billing_pool": "the billers"}, "billing_pool must be a reference like Group/12"),
        ({"query_pool": "the doctors"}, "query_pool must be a reference like Group/12"),
        ({"role": "auditor"}, "role must be one of clinician, coder"),
        ({"worklist": "mine"}, "worklist must be one of own, all"),
        ({"role": "coder", "role_switch": True}, "role and role_switch exclude each other"),
        ({"coder_intents": ["x"], "clinician_intents": ["x", "y"]}, "x is listed under clinician_intents and coder"),
        ({"ai_label": "no"}, "ai_label must be true or false"),
        ({"client_auth": "public", "client_secret": None}, "development EHR"),
        ({"client_secret": None}, "client_secret goes with"),
        ({"client_auth": "private_key_jwt", "client_secret": None}, "private_keys is needed"),
        ({"client_auth": "private_key_jwt"}, "client_secret goes with"),
        ({"scopes": ["launch", "openid"]}, "fhirUser is missing"),
        ({"scopes": ["launch", "openid", "fhirUser", "patient/Patient.sr"]}, "patient/Patient.sr is no SMART scope"),
        ({"scopes": ["launch", "openid", "fhirUser", "patient/*.rs"]}, "no wildcard"),
        ({"scopes": ["launch", "openid", "fhirUser", "system/Patient.r"]}, "no system/"),
        ({"scopes": "launch"}, "scopes must be a list"),
        ({"embed_origins": [7]}, "embed_origins must be a list"),
        ({"assume_s256": 1}, "assume_s256 must be true or false"),
        ({"standalone": "yes"}, "standalone must be true or false"),
        ({"style_hosts": ["https://styles.example"]}, "style_hosts: https://styles.example is no host name"),
        ({"style_hosts": ["*.example"]}, "style_hosts: *.example is no host name"),
        ({"private_keys": ["rsa.pem", "p384.pem", "rsa.pem"]}, "is listed twice"),
        ({"clientid": "x"}, "clientid is not a setting"),
        ({"private_keys": ["nowhere.pem"]}, "nowhere.pem cannot be read"),
        ({"private_keys": ["p256.pem"]}, "p256.pem is not a private key for ES384"),
        ({"private_keys": ["public.pem"]}, "public.pem is not a private key"),
        ({"private_keys": ["text.pem"]}, "text.pem is not a private key"),
    ],
)
def test_what_is_wrong_is_named(pems, change, words):
    """The application does not start; the message names table and setting."""
    said = complaints(pems, GOOD | change)
    assert "[[ehr]] number 1" in said
    assert words in said


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*",
        "https://*.x.org",
        "https://x.org; script-src *",
        "https://x.org;script-src",
        "https://x.org,https://y.org",
        "https://x.org https://y.org",
        "https://x.org\\n",
        "https://x.org:443:80",
        "https://x.org:65536",
        "https://x.org:*",
        "https://x.org/",
        "https://x.org/path",
        "https://x.org?q",
        "https://x.org#f",
        "https://X.org",
        "https://kim@x.org",
        "https://",
        "https:",
        "http://x.org",
        "http://localhost.x.org",
        "x.org",
        "javascript:x",
        "'self'",
        "data:",
        "https://[::1]",
        "https://ехample.org",  # its first two letters are Cyrillic
    ],
)
def test_who_may_frame_us_is_an_exact_origin(tmp_path, origin):
    """It goes into a header: a path, a wildcard or another directive would let others in than were meant."""
    table = "\n".join(f'{k} = "{v}"' for k, v in GOOD.items())
    path = tmp_path / "ehrs.toml"
    path.write_text(f'[[ehr]]\n{table}\nembed_origins = ["https://ehr.example", "{origin}"]\n', "utf-8")
    with pytest.raises(InvalidEHRFile, match=r"is no origin: write each as https://ehr\.example\.org") as refused:
        TrustedEHRs.load(path)
    assert str(refused.value).count("embed_origins") == 1


@pytest.mark.parametrize(
    "origin", ["https://x.org", "https://x.org:8443", "https://10.0.0.7", "http://localhost:8090", "http://127.0.0.1"]
)
def test_an_exact_origin_may_frame_us(tmp_path, origin):
    """Plain http is for this machine."""
    (ehr,) = TrustedEHRs.load(written(tmp_path, GOOD | {"embed_origins": [origin]}))
    assert ehr.embed_origins == (origin,)


def test_everything_wrong_is_named_at_once(tmp_path):
    """Two tables, three faults: one message."""
    said = complaints(tmp_path, GOOD | {"name": None, "iss": "x"}, GOOD | {"client_id": None})
    assert "name is missing" in said
    assert "number 1: " in said
    assert "iss must be" in said
    assert "number 2 (https://ehr.example/fhir): client_id is missing" in said


def test_a_complaint_names_the_ehr_and_no_password(pems):
    """By its address, or where that is refused by its name: it may hold a secret. The others are at hand."""
    wrong = GOOD | {"iss": "https://kim:hush@other.example"}
    broken = GOOD | {"iss": "https://third.example", "private_keys": ["nowhere.pem"]}
    with pytest.raises(InvalidEHRFile) as refused:
        TrustedEHRs.load(written(pems, GOOD, wrong, broken))
    assert "[[ehr]] number 2 ('Example Hospital'): iss must be" in str(refused.value)
    assert "[[ehr]] number 3 (https://third.example): private_keys: nowhere.pem cannot be read" in str(refused.value)
    assert "hush" not in str(refused.value)
    assert [ehr.iss for ehr in refused.value.usable] == [GOOD["iss"]]


def test_an_ehr_is_listed_once(tmp_path):
    """Two registrations for one iss: which one would be meant?"""
    assert "listed twice" in complaints(tmp_path, GOOD, GOOD | {"iss": GOOD["iss"] + "/"})


@pytest.mark.parametrize("content", ["", "[ehr]\niss = 'x'", "ehr = 3", "ehr = [3]", "[[ehr", "\udcff"])
def test_a_file_without_ehrs_is_refused(tmp_path, content):
    """Empty, another shape, no TOML, no UTF-8."""
    path = tmp_path / "ehrs.toml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidEHRFile):
        TrustedEHRs.load(path)


def test_a_missing_file_is_refused(tmp_path):
    """The message names the file."""
    with pytest.raises(InvalidEHRFile, match=r"nowhere\.toml"):
        TrustedEHRs.load(tmp_path / "nowhere.toml")


def test_a_secret_is_not_shown():
    """Neither in a repr nor in the message about a bad table."""
    assert "hush" not in repr(EHR("https://e.example", "E", "us", client_secret="hush"))


@pytest.mark.parametrize("iss", ["https://ehr.example/fhir", "https://ehr.example/fhir/"])
def test_a_trusted_ehr_is_found(iss):
    """Exactly, or with one slash more."""
    assert TrustedEHRs([EHR("https://ehr.example/fhir", "E", "us")]).find(iss).name == "E"


@pytest.mark.parametrize(
    "iss",
    [
        "",
        "https://ehr.example/fhir//",
        "https://ehr.example/FHIR",
        "https://EHR.example/fhir",
        "https://ehr.example/fhir?x",
        "https://ehr.example:443/fhir",
        "http://ehr.example/fhir",
        "https://ehr.example/fhir\n",
        "https://ehr.examplе/fhir",  # the last e is Cyrillic
    ],
)
def test_anything_else_is_not_trusted(iss):
    """No lower-casing, no cleaning up: what is not listed is not an EHR of ours."""
    with pytest.raises(UntrustedIssuer):
        TrustedEHRs([EHR("https://ehr.example/fhir", "E", "us")]).find(iss)


@pytest.mark.requirement("@313")
@pytest.mark.requirement("@322")
def test_one_key_for_two_ehrs_is_published_once(pems):
    """kid is the key's thumbprint: the same key has one, two keys have two."""
    table = {k: GOOD[k] for k in ("name", "client_id")}
    path = written(
        pems,
        table | {"iss": "https://one.example", "private_keys": ["p384.pem", "rsa.pem"]},
        table | {"iss": "https://two.example", "private_keys": ["p384.pem"]},
    )
    published = TrustedEHRs.load(path).public_keys()
    assert sorted(key["kty"] for key in published) == ["EC", "RSA"]
    assert len({key["kid"] for key in published}) == 2
    assert not any("d" in key for key in published)


def test_a_changed_file_is_in_force_at_once(tmp_path):
    """An EHR added by a command is let in by the running application, and one taken away is not."""
    path = written(tmp_path, GOOD)
    ehrs = TrustedEHRs.watch(path)
    add_ehr(path, GOOD | {"iss": "https://second.example"})
    assert ehrs.find("https://second.example").name == GOOD["name"]
    assert len(list(ehrs)) == 2
    written(tmp_path, GOOD | {"iss": "https://third.example"})
    with pytest.raises(UntrustedIssuer):
        ehrs.find("https://second.example")
    assert [ehr.iss for ehr in ehrs] == ["https://third.example"]


@pytest.mark.parametrize("text", ["[[ehr", "", None], ids=["half written", "empty", "gone"])
def test_a_broken_change_leaves_the_old_list_in_force(tmp_path, caplog, text):
    """One line in the log says so; the next good file counts again."""
    path = written(tmp_path, GOOD)
    ehrs = TrustedEHRs.watch(path)
    path.write_text(text, "utf-8") if text is not None else path.unlink()
    with caplog.at_level(logging.ERROR):
        assert [ehr.iss for ehr in ehrs] == [GOOD["iss"]]
        assert ehrs.find(GOOD["iss"])
    assert [record.message.count("old one stays in force") for record in caplog.records] == [1]
    written(tmp_path, GOOD | {"name": "Mended"})
    assert [ehr.name for ehr in ehrs] == ["Mended"]


def test_a_list_that_is_not_watched_stays(tmp_path):
    """A command reads the file once."""
    path = written(tmp_path, GOOD)
    ehrs = TrustedEHRs.load(path)
    path.unlink()
    assert len(list(ehrs)) == 1
