"""JSON that a reader chokes on: refused in words, never a defect (OWASP ASVS 5.0, 16.5.3)."""

import base64
import json

import pytest
from flask import Response, request

DEEP = "[" * 5000 + "]" * 5000
HOSTILE = {"deep": DEEP, "digits": "9" * 5000}


def at(path, text):
    """Answers one address with this text as JSON."""
    return lambda: Response(text, content_type="application/json") if request.path == path else None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("path", ["/fhir/.well-known/smart-configuration", "/keys", "/token"])
def test_a_launch_ends_in_words(browser, ehr, path, text):
    """The EHR is said to have answered wrongly; the page is no last resort."""
    ehr.before = at(path, text)
    answer = browser.launch() if "well-known" in path else browser.open()
    assert answer.status_code == 502
    assert "EHR" in answer.text


@pytest.mark.parametrize("path", ["/fhir/Practitioner/p1", "/style.json"])
def test_what_a_launch_can_do_without_does_not_end_it(browser, ehr, path):
    """Neither a name nor looks are worth a launch."""
    ehr.token = {"smart_style_url": ehr.host + "/style.json"}
    ehr.before = at(path, DEEP)
    assert browser.open().status_code == 303


def test_a_key_of_an_unknown_curve_is_passed_over(browser, ehr):
    """An issuer may publish keys of other kinds beside the one that signs."""
    good = {**ehr.key.as_dict(private=False), "kid": "first", "use": "sig"}
    ehr.jwks = [{"kty": "EC", "crv": "brainpoolP384r1", "x": "AAAA", "y": "AAAA"}, good]
    assert browser.open().status_code == 303


@pytest.mark.parametrize("payload", [DEEP, f'{{"iss": {DEEP}}}', f'{{"iss": {"9" * 5000}}}', "[]", '"iss"', "null"])
def test_an_id_token_of_odd_json_is_no_id_token(browser, ehr, payload):
    """It is looked into before its signature is proved, for its issuer alone."""
    said = [json.dumps({"alg": "RS256"}), payload]
    parts = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in said]
    ehr.token = {"id_token": f"{parts[0]}.{parts[1]}.AAAA"}
    assert browser.open().status_code == 502
