"""The answer at our redirect URI. Guide page: App Launch, "Obtain authorization code", response."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest


def changed(url, /, **by):
    """The address with some parameters changed; None takes one away."""
    query = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()} | by
    return url.split("?")[0] + "?" + urlencode({k: v for k, v in query.items() if v is not None})


def refused_without_token_request(answer, ehr, status=400):
    assert answer.status_code == status
    assert "Location" not in answer.headers
    return ehr.asked_for("/token") == []


@pytest.mark.requirement("@4")
@pytest.mark.requirement("@60")
@pytest.mark.parametrize("state", [None, "", "unknown", "x" * 5000])
def test_a_state_that_is_not_ours_is_refused(browser, ehr, state):
    """Every request to the redirect URI is checked: another state than the one sent means no token request."""
    url = changed(browser.consent(browser.launch()), state=state)
    assert refused_without_token_request(browser.get(url), ehr)


@pytest.mark.requirement("@60")
def test_a_tampered_state_is_refused(browser, ehr):
    """One changed letter is another state."""
    url = browser.consent(browser.launch())
    state = parse_qs(urlsplit(url).query)["state"][0]
    tampered = changed(url, state=("A" if state[0] != "A" else "B") + state[1:])
    assert refused_without_token_request(browser.get(tampered), ehr)


@pytest.mark.requirement("@4")
def test_a_state_works_once(browser, ehr):
    """A replayed answer opens nothing and exchanges nothing, though its code were still good."""
    url = browser.consent(browser.launch())
    assert browser.get(url).status_code == 303
    assert browser.get(url).status_code == 400
    assert len(ehr.asked_for("/token")) == 1


@pytest.mark.requirement("@4")
def test_a_state_works_for_ten_minutes(browser, ehr, clock):
    """An answer that comes later than ten minutes after the launch is refused."""
    url = browser.consent(browser.launch())
    clock.move(minutes=10, seconds=1)
    assert refused_without_token_request(browser.get(url), ehr)


def test_a_slow_user_is_in_time(browser, clock):
    """Ten minutes are there to be used."""
    url = browser.consent(browser.launch())
    clock.move(minutes=10)
    assert browser.get(url).status_code == 303


@pytest.mark.requirement("@39")
@pytest.mark.requirement("@61")
def test_another_browser_cannot_finish_a_launch(app, browser, new_browser, ehr):
    """state is bound to the browser that began: nobody is signed in by somebody else's link."""
    url = browser.consent(browser.launch())
    victim = new_browser(app)
    victim.launch()
    assert refused_without_token_request(victim.get(url), ehr)


@pytest.mark.requirement("@61")
def test_a_browser_that_keeps_our_cookie_back_is_told_so(app, browser, new_browser, ehr):
    """Inside a frame cookies may be blocked: the page says that this is the reason and what to do."""
    url = browser.consent(browser.launch())
    answer = new_browser(app).get(url)
    assert refused_without_token_request(answer, ehr)
    assert "cookie" in answer.text
    assert "administrator" in answer.text


def test_a_cookie_that_we_never_made_is_no_cookie(app, browser, new_browser, ehr):
    """Only the form of our own ids is taken; the empty one matches nothing."""
    url = browser.consent(browser.launch())
    stranger = new_browser(app)
    stranger.client.set_cookie("__Host-chartside", "short", domain="127.0.0.1")
    assert refused_without_token_request(stranger.get(url), ehr)


@pytest.mark.requirement("@6")
@pytest.mark.parametrize("name", ["next", "redirect_uri", "error_uri", "target", "return_to", "url"])
def test_nothing_in_the_query_decides_where_to_go(browser, name):
    """The redirect URI is no open redirect."""
    url = changed(browser.consent(browser.launch()), **{name: "https://evil.example/"})
    assert browser.get(url).headers["Location"].startswith("/r/")


def test_a_denied_consent_is_shown_in_the_ehrs_words(browser, ehr):
    """The user or the EHR said no: its words are shown, as text."""
    ehr.denies = {"error": "access_denied", "error_description": "<script>alert(1)</script>not today\r\n\x1b[31m"}
    answer = browser.open()
    assert refused_without_token_request(answer, ehr, 403)
    assert "access_denied" in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;not today" in answer.text
    assert "<script" not in answer.text
    assert "\x1b" not in answer.text


def test_a_flood_of_words_is_cut(browser, ehr):
    """What the EHR says is quoted in part only."""
    ehr.denies = {"error": "server_error", "error_description": "word " * 2000}
    assert len(browser.open().text) < 1000


def test_a_denial_without_our_state_is_not_shown(browser, ehr):
    """Words reach the page only from the EHR that was asked: an error needs the state as well."""
    browser.launch()
    answer = browser.get("http://127.0.0.1:8080/callback?error=access_denied&error_description=call+555-1234&state=x")
    assert answer.status_code == 400
    assert "555" not in answer.text


def test_an_answer_without_a_code_is_refused(browser, ehr):
    """Neither a code nor an error: nothing to exchange."""
    url = changed(browser.consent(browser.launch()), code=None)
    assert refused_without_token_request(browser.get(url), ehr, 502)


def test_an_answer_that_names_another_server_is_refused(browser, ehr):
    """RFC 9207: iss in the answer, where present, is the server that was asked (mix-up attack)."""
    url = changed(browser.consent(browser.launch()), iss="https://evil.example")
    assert refused_without_token_request(browser.get(url), ehr)


def test_an_answer_that_names_the_right_server_is_taken(browser, ehr):
    """RFC 9207 as it should be."""
    ehr.configuration = {"authorization_response_iss_parameter_supported": True}
    url = changed(browser.consent(browser.launch()), iss=ehr.host)
    assert browser.get(url).status_code == 303


def test_a_server_that_promises_its_name_must_give_it(browser, ehr):
    """RFC 9207: promised in the configuration and missing in the answer means a forged answer."""
    ehr.configuration = {"authorization_response_iss_parameter_supported": True}
    assert refused_without_token_request(browser.open(), ehr)


def test_the_address_opened_by_itself_is_explained(browser, ehr):
    """Without anything of an EHR's answer, nobody's browser is to blame: the page says where to begin."""
    answer = browser.get("/callback")
    assert refused_without_token_request(answer, ehr)
    assert "without a launch from the EHR" in answer.text
    assert "cookie" not in answer.text
