"""What holds for the code and the settings as they lie there. Guide page: App considerations; Client authentication."""

import ast
import re
import shlex
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from fake_pages import build_config, build_pages
from joserfc.jwk import RSAKey

from launch.ehrs import EHR, SigningKey, TrustedEHRs
from smartapp.cli import main
from smartapp.config import HERE
from smartapp.registration import MARKETPLACES, as_json

PACKAGES = ("launch", "smartapp", "model")
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
RUNS_DATA = {"pickle", "cPickle", "dill", "marshal", "shelve", "joblib", "yaml", "code", "codeop"}


def sources():
    return [path for package in PACKAGES for path in sorted((HERE / package).rglob("*.py"))]


def suspicious(tree):
    """Calls by bare name that run text, and imports that run data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RUNS_TEXT:
            yield node.func.id
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in RUNS_DATA)
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in RUNS_DATA:
            yield node.module
        if (
            isinstance(node, ast.keyword)
            and node.arg in ("shell", "allow_pickle")
            and ast.unparse(node.value) != "False"
        ):
            yield f"{node.arg}={ast.unparse(node.value)}"


@pytest.mark.requirement("@5")
def test_no_code_of_ours_runs_what_came_from_outside():
    """An app must not run untrusted input as code: nothing evaluates text, unpickles data or calls a shell."""
    found = [(path.name, what) for path in sources() for what in suspicious(ast.parse(path.read_text("utf-8")))]
    assert found == []
    assert set(suspicious(ast.parse("eval(x)\nimport pickle\nf(shell=True)"))) == {"eval", "pickle", "shell=True"}


@pytest.mark.requirement("@5")
def test_no_page_of_ours_lets_markup_through():
    """Nor as part of a page: everything shown is escaped, and no script makes code or markup of text."""
    pages = [*(HERE / "templates").rglob("*.html"), *(HERE / "launch" / "sandbox" / "templates").rglob("*.html")]
    scripts = list((HERE / "static" / "js").rglob("*.js"))
    assert len(pages) > 10
    assert scripts
    unescaped = re.compile(r"\|\s*safe\b|autoescape\s+false|Markup\(")
    runs = re.compile(r"\beval\(|new Function|\.innerHTML\s*=|outerHTML\s*=|insertAdjacentHTML|document\.write")
    assert [(p.name, m[0]) for p in pages if (m := unescaped.search(p.read_text("utf-8")))] == []
    assert [(p.name, m[0]) for p in scripts if (m := runs.search(p.read_text("utf-8")))] == []
    assert [p.name for p in sources() if "Markup(" in p.read_text("utf-8")] == []


@pytest.mark.requirement("@10")
def test_no_secret_comes_with_the_code():
    """Security must not rest on a secret that every copy holds: no key, no client secret in code, pages, settings."""
    kept = [
        path
        for folder in (*PACKAGES, "templates", "static", "docs")
        for path in (HERE / folder).rglob("*")
        if path.suffix in {".py", ".html", ".js", ".css", ".toml", ".json", ".md", ".txt", ".pem", ".key"}
    ]
    assert len(kept) > 100
    secret = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY|client_secret\s*=\s*[\"'][^\"'{]|[\"'][\w-]{43}=[\"']")
    assert [path.name for path in kept if secret.search(path.read_bytes())] == []


@pytest.mark.requirement("@295")
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_the_private_key_is_told_to_nobody(keys, kind):
    """The private key is protected from disclosure: neither the published set nor a printed EHR holds a part of it."""
    signing = getattr(keys, kind)
    ehr = EHR("https://ehr.example/fhir", "EHR", "us", keys=(signing,))
    (published,) = TrustedEHRs([ehr]).public_keys()
    private = signing.key.as_dict(private=True)
    secret = {name: private[name] for name in ("d", "p", "q", "dp", "dq", "qi") if name in private}
    assert secret
    assert not secret.keys() & published.keys()
    assert not any(value in repr(ehr) for value in secret.values())


@pytest.mark.requirement("@295")
def test_a_corrupt_key_stops_the_start(tmp_path):
    """… and from corruption: a key file that was damaged is named, nothing of it is quoted."""
    pem = RSAKey.generate_key(2048).as_pem(private=True)
    damaged = tmp_path / "key.pem"
    damaged.write_bytes(pem[:200] + pem[300:])
    with pytest.raises(ValueError, match="private key") as refused:
        SigningKey.load(damaged)
    assert pem[60:80].decode() not in str(refused.value)


def ehr_of(**changes):
    table = {"iss": "https://ehr.example/fhir", "name": "EHR", "client_id": "us"} | changes
    return EHR.from_table({name: value for name, value in table.items() if value is not None}, HERE)


@pytest.mark.requirement("@11")
@pytest.mark.requirement("@290")
def test_a_confidential_client_has_its_key_before_it_starts():
    """An app that can keep a secret is confidential: so is an EHR's client unless told otherwise, and needs its key."""
    with pytest.raises(ValueError, match="private_keys is needed for client_auth = private_key_jwt"):
        ehr_of()


@pytest.mark.requirement("@23")
@pytest.mark.parametrize("secret", [None, ""])
def test_a_symmetric_client_has_its_secret_before_it_starts(secret):
    """Symmetric: the secret that was established at registration is there, and is not printed."""
    with pytest.raises(ValueError, match="client_secret goes with"):
        ehr_of(client_auth="client_secret_basic", client_secret=secret)
    assert "s3cret" not in repr(ehr_of(client_auth="client_secret_basic", client_secret="s3cret"))


@pytest.mark.requirement("@12")
def test_a_public_client_is_for_this_machine_only():
    """A public client only where a secret cannot be kept: Chartside can keep one, so only towards a development EHR."""
    with pytest.raises(ValueError, match="public is for a development EHR"):
        ehr_of(client_auth="public")
    assert ehr_of(client_auth="public", iss="http://127.0.0.1:8090/fhir").client_auth == "public"


def test_the_example_of_the_readme_keeps_to_this(tmp_path):
    """The command that an administrator copies makes a confidential client."""
    command = re.search(r"bin/chartside (ehr add .*?[^\\])\n", (HERE / "README.md").read_text("utf-8"), re.DOTALL)[1]
    words = shlex.split(command.replace("\\\n", ""))
    assert CliRunner().invoke(main, words, env={"CHARTSIDE_EHRS": str(tmp_path / "ehrs.toml")}).exit_code == 0
    (added,) = TrustedEHRs.load(tmp_path / "ehrs.toml")
    assert added.client_auth == "private_key_jwt"


@pytest.mark.requirement("@291")
@pytest.mark.requirement("@298")
@pytest.mark.requirement("@20")
@pytest.mark.requirement("@21")
@pytest.mark.parametrize("place", MARKETPLACES)
def test_what_is_registered_is_what_is_used(place):
    """Launch URL, redirect URI and the TLS address of the key set are on the sheet that an administrator registers."""
    config = build_config("https://codes.hospital.example")
    client = as_json(MARKETPLACES[place], config)["client"]
    served = build_pages(config=config).url_map.bind("codes.hospital.example", url_scheme="https")
    assert client["redirect_uris"] == ["https://codes.hospital.example/callback"]
    for address, endpoint in (
        (client["launch_url"], "launch.launch"),
        (client["redirect_uris"][0], "launch.callback"),
        (client["jwks_uri"], "launch.jwks"),
    ):
        parts = urlsplit(address)
        assert (parts.scheme, parts.netloc, parts.query) == ("https", "codes.hospital.example", "")
        assert served.match(parts.path)[0] == endpoint
    assert client["token_endpoint_auth_method"] == "private_key_jwt"
