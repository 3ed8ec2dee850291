"""The admin pages: who gets in, what they change, and what they may ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from admin_site import SAID, AdminSite
from bs4 import BeautifulSoup
from metadata_server import MetadataServer

from launch.ehrs import TrustedEHRs
from smartapp.views.csrf import build_token

ACTS = ("leave", "ehrs", "remove", "check")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[AdminSite]:
    site = AdminSite(tmp_path)
    yield site
    site.close()


def words(markup: str) -> str:
    return " ".join(BeautifulSoup(markup, "html.parser").get_text(" ").split())


def test_without_a_session_nothing_is_shown_or_done(site: AdminSite) -> None:
    """The way in is told; no list, no form, no change, no request."""
    page = site.get()
    assert page.status_code == 401
    assert "chartside admin link" in page.text
    assert "<form" not in page.text
    for act in ACTS:
        assert (
            site.open("POST", act, SAID | {"csrf_token": build_token("key-one", "admin pages", "")}).status_code == 401
        )
    assert not site.path.exists()


def test_a_link_is_not_used_up_by_looking_at_it(site: AdminSite) -> None:
    """Mail and chat open links in advance: only the button opens a session, with a cookie of its own."""
    link = site.link()
    page = BeautifulSoup(site.get(f"enter?link={link}").text, "html.parser")
    assert page.select("[name=link]")[0]["value"] == link
    answer = site.open("POST", "enter", {"link": link})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-chartside-admin=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    again = site.open("POST", "enter", {"link": link})
    assert again.status_code == 403
    assert "used before" in again.text
    assert "Set-Cookie" not in again.headers


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_nobody_is_brought_in_from_elsewhere(site: AdminSite, headers: dict[str, str]) -> None:
    """Another site cannot make a browser use a link."""
    assert site.open("POST", "enter", {"link": site.link()}, **headers).status_code == 403


def test_the_session_ends(site: AdminSite) -> None:
    """By leaving and by not being used."""
    site.enter()
    assert site.get().status_code == 200
    left = site.post("leave")
    assert "You have left" in left.text
    assert "Max-Age=0" in left.headers["Set-Cookie"]
    assert site.get().status_code == 401
    site.enter()
    site.clock.forward(16 * 60)
    assert site.get().status_code == 401


@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        (build_token("key-one", "admin pages", "another browser"), {}),
        (None, {"Sec-Fetch-Site": "same-site"}),
        (None, {"Origin": "https://evil.example"}),
    ],
)
def test_forged_forms_change_nothing(site: AdminSite, path: str, token: str | None, headers: dict[str, str]) -> None:
    """A form without the session's token, or from another origin, is refused before anything is done."""
    site.enter()
    form = SAID if token is None else SAID | {"csrf_token": token}
    assert site.post(path, form, **headers).status_code == 403
    assert not site.path.exists()
    assert site.get().status_code == 200


def test_admin_pages_are_never_framed_or_kept(site: AdminSite) -> None:
    """Not even by a trusted EHR."""
    site.enter()
    for answer in (site.get(), site.get("enter"), site.post("check", {"iss": "x"})):
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"


def test_an_ehr_is_added(site: AdminSite) -> None:
    """With its key, and in force for the application that watches the file; the secret part is not on the page."""
    site.enter()
    answer = site.post("ehrs", SAID)
    assert answer.status_code == 201
    assert "Example Hospital is trusted now" in answer.text
    assert f'href="/register?for={SAID["vendor"]}"' in answer.text  # the sheet of that vendor's marketplace
    added = TrustedEHRs.load(site.path).find(SAID["iss"])
    assert added.embed_origins == ("https://ehr.example", "https://ehr2.example")
    assert [key.alg for key in added.keys] == ["ES384"]
    assert "PRIVATE KEY" not in answer.text


def test_secrets_are_not_shown(site: AdminSite) -> None:
    """Neither in the list nor in a form that comes back."""
    site.enter()
    secret = SAID | {"client_auth": "client_secret_basic", "client_secret": "s3cret"}
    refused = site.post("ehrs", secret | {"iss": "http://ehr.example"})
    assert refused.status_code == 422
    assert site.post("ehrs", secret).status_code == 201
    assert "s3cret" not in refused.text + site.get().text


def test_what_is_wrong_is_named_and_what_was_typed_is_kept(site: AdminSite) -> None:
    """All complaints at once; markup in a field is text."""
    site.enter()
    answer = site.post("ehrs", SAID | {"iss": "http://ehr.example", "name": "<b>Bold</b>", "vendor": "nobody"})
    assert answer.status_code == 422
    assert "must be an https address" in answer.text
    assert BeautifulSoup(answer.text, "html.parser").select("#name")[0]["value"] == "<b>Bold</b>"
    assert not site.path.exists()


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """In plain words, with the command and the TOML to paste, and no secret."""
    site = AdminSite(tmp_path, ehrs_file=tmp_path / "none" / "ehrs.toml").enter()
    answer = site.post("ehrs", SAID | {"client_auth": "client_secret_basic", "client_secret": "s3cret"})
    assert answer.status_code == 503
    page = BeautifulSoup(answer.text, "html.parser")
    command, text = (p.get_text() for p in page.select("pre"))
    assert command.startswith("chartside ehr add https://ehr.example/fhir --name 'Example Hospital'")
    assert 'client_id = "us"' in text
    assert "s3cret" not in answer.text
    site.close()


def test_a_list_that_cannot_be_used_is_said(site: AdminSite) -> None:
    """Somebody wrote into it by hand: what is wrong, and no form is lost."""
    site.path.write_text('[[ehr]]\niss = "https://x.example"\n')
    page = words(site.enter().get().text)
    assert "cannot be used as it is" in page
    assert "name is missing" in page


def test_an_ehr_is_removed(site: AdminSite) -> None:
    """Asked first, with what becomes of it; then it is off the list, and told to the audit log."""
    site.enter().post("ehrs", SAID)
    asked = site.get(f"remove?iss={SAID['iss']}")
    assert "Remove Example Hospital?" in words(asked.text)
    assert "ehr-example-fhir-key.pem" in asked.text
    assert len(list(TrustedEHRs.load(site.path))) == 1
    gone = site.post("remove", {"iss": SAID["iss"]})
    assert "Example Hospital is trusted no more" in words(gone.text)
    assert list(TrustedEHRs.load(site.path)) == []
    assert site.get(f"remove?iss={SAID['iss']}").status_code == 404
    assert site.post("remove", {"iss": SAID["iss"]}).status_code == 422


def test_a_broken_ehr_does_not_hide_the_others(site: AdminSite) -> None:
    """They are shown, and can be removed, under what is wrong."""
    site.enter().post("ehrs", SAID)
    with site.path.open("a") as file:
        file.write('[[ehr]]\niss = "https://x.example"\n')
    page = words(site.get().text)
    assert "name is missing" in page
    assert "Example Hospital" in page


PRIVATE = ("127.0.0.1", "localhost:8443", "[fd00::1]", "10.1.2.3", "169.254.169.254", "[::]", "0.0.0.0")
DISGUISED = ("2130706433", "0x7f000001", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]")  # the same machine in other words


@pytest.mark.parametrize("iss", [f"https://{host}/fhir" for host in PRIVATE + DISGUISED])
def test_the_page_asks_public_addresses_only(site: AdminSite, iss: str) -> None:
    """This server's own network is not asked on behalf of whoever types an address; the command is named instead."""
    page = words(site.enter().post("check", {"iss": iss, "vendor": "epic"}).text)
    assert "its address lies in a private network" in page
    assert "chartside ehr check ISS" in page


@pytest.mark.parametrize("iss", ["http://ehr.example/fhir", "file:///etc/passwd", "https://user@ehr.example", ""])
def test_only_https_addresses_are_asked(site: AdminSite, iss: str) -> None:
    assert site.enter().post("check", {"iss": iss}).status_code == 422


def test_a_check_says_what_stops(tmp_path: Path) -> None:
    """On a development machine also the EHR of this machine is asked, as the page says; without a token."""
    site = AdminSite(tmp_path, "http://127.0.0.1:8080").enter()
    assert "for development on this machine" in site.get().text
    with MetadataServer() as server:
        page = words(site.post("check", {"iss": server.base_url, "vendor": "medplum"}).text)
        assert server.seen
        assert all("Authorization" not in headers for headers in server.seen)
    assert "Something stops Chartside at this EHR." in page
    assert "judged as a new one of vendor medplum" in page
    assert "Patient cannot be read" in page
    site.close()
