"""Which addresses are safe to speak to."""

import pytest

from launch.transport import is_loopback, is_secure


@pytest.mark.parametrize("url", ["https://ehr.example/fhir", "https://10.0.0.7:8443/x", "https://[::1]/"])
def test_https_is_secure(url):
    """With a host, whichever it is."""
    assert is_secure(url, loopback=False)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8090/fhir", "http://localhost/x", "http://[::1]:80/", "http://127.9.9.9/"]
)
def test_plain_http_is_for_this_machine_and_only_where_allowed(url):
    """The demo and development EHRs."""
    assert is_secure(url, loopback=True)
    assert not is_secure(url, loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ehr.example/fhir",
        "//ehr.example/fhir",
        "https://",
        "https:///fhir",
        "https://user@ehr.example/",
        "https://user:word@ehr.example/",
        "https://ehr.example:port/",
        "https://ehr.example:0/",
        "https://[::1/",
        "ftp://ehr.example/",
        "javascript:alert(1)",
        "http://ehr.example/",
        "http://127.0.0.1.ehr.example/",
        "http://localhost.ehr.example/",
        "http://127.0.0.1@ehr.example/",
        "https://ehr.example; script-src *",
        "https://ehr.example,other.example/",
        "https://ehr.example\\other.example/",
        "https://ehr.example/a b",
        "https://ehr.example/\n",
        " https://ehr.example/",
        "https://*/",
    ],
)
def test_everything_else_is_not(url):
    """No scheme, no host, a user, a bad port, another scheme, or plain http to somebody else."""
    assert not is_secure(url, loopback=True)


@pytest.mark.parametrize(
    "url", ["https://0.0.0.0/", "https://10.0.0.1/", "https://localhost.example/", "https://ehr.example/"]
)
def test_loopback_is_this_machine_alone(url):
    """Private networks are not this machine."""
    assert not is_loopback(url)
