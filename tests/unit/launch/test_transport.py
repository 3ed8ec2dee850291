"""Which addresses are safe to speak to, and how much of an answer is read."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from launch.transport import AnswerTooLarge, Limits, SameOriginSession, is_loopback, is_secure


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


@contextmanager
def serving(answer: Callable[[], Response]) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, lambda environ, start: answer()(environ, start))
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def packed(body: bytes) -> Response:
    return Response(gzip.compress(body), headers={"Content-Encoding": "gzip"}, content_type="application/json")


def test_a_packed_answer_is_unpacked() -> None:
    """Some servers and proxies pack whatever is asked of them."""
    with serving(lambda: packed(b'{"keys": []}')) as url, SameOriginSession() as http:
        assert http.get(url).json() == {"keys": []}


def test_the_size_is_that_of_what_is_unpacked() -> None:
    """A megabyte of blanks is a kilobyte on its way."""
    with (
        serving(lambda: packed(b" " * 1024 * 1024)) as url,
        SameOriginSession(Limits(size=64 * 1024)) as http,
        pytest.raises(AnswerTooLarge),
    ):
        http.get(url)


def test_an_answer_that_cannot_be_unpacked_counts_as_broken_off() -> None:
    """It says gzip and is none."""
    broken = Response(b"not packed", headers={"Content-Encoding": "gzip"})
    with serving(lambda: broken) as url, SameOriginSession() as http, pytest.raises(requests.ConnectionError):
        http.get(url)
