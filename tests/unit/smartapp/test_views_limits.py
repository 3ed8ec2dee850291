"""How many requests are answered in a minute, and what whoever sends more is told."""

import html
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from fake_coding import FakeCoding
from fake_pages import BROWSER, HOST, LAUNCH_KEY, TOKEN, build_config, build_pages
from flask import Flask
from limits import RateLimitItemPerMinute
from redis_process import RedisProcess
from sample_review import KEY, ready_review
from werkzeug.test import TestResponse

from launch.ehrs import TrustedEHRs
from launch.views import COOKIE
from smartapp.config import Config, MissingSettings, Rates
from smartapp.errors import TooManyRequests
from smartapp.views import cds
from smartapp.views.limits import InThisProcess, Limits

NEVER_ASKED = (None, None)  # the CDS service and its callers: discovery needs neither
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"
FORM = {"csrf_token": TOKEN, "patient": KEY.patient, "encounter": KEY.encounter}


def site(**rates: int) -> Flask:
    return build_pages(config=replace(build_config(), rates=Rates(**rates)))


def ask(app: Flask, path: str, address: str = HERE, cookie: bool = False, **headers: str) -> TestResponse:
    sent = headers | ({"Cookie": f"{COOKIE}={BROWSER}"} if cookie else {})
    return app.test_client(use_cookies=False).get(
        path, headers=sent, environ_base={"REMOTE_ADDR": address}, buffered=True
    )


def check_refused(answer: TestResponse) -> None:
    assert answer.status_code == 429
    assert "more than Chartside answers in a minute" in html.unescape(answer.text)
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]


def test_an_address_without_a_launch_comes_to_an_end() -> None:
    """The page says so and when to come back, and the next address is answered as before."""
    app = site(address=3)
    assert [ask(app, path).status_code for path in ("/", "/register", "/nowhere")] == [200, 200, 404]
    refused = ask(app, "/")
    check_refused(refused)
    assert "This page asks again by itself" in refused.text
    assert ask(app, "/", ELSEWHERE).status_code == 200


def test_a_fragment_says_it_too() -> None:
    """htmx shows it where notices stand, and leaves the rest of the page alone."""
    app = site(launch=1)
    ask(app, f"/r/{LAUNCH_KEY}/", cookie=True)
    answer = ask(app, f"/r/{LAUNCH_KEY}/progress", cookie=True, **{"HX-Request": "true"})
    check_refused(answer)
    assert answer.headers["HX-Retarget"] == "#notice"


def test_a_launch_is_counted_by_itself() -> None:
    """Strangers behind the same address hinder nobody at work, nor does work hinder them."""
    app = site(launch=4, address=2)
    for _ in range(3):
        ask(app, "/")
    work = [ask(app, f"/r/{LAUNCH_KEY}/", cookie=True).status_code for _ in range(5)]
    assert work == [200, 200, 200, 200, 429]
    assert ask(app, "/", ELSEWHERE).status_code == 200


def test_trying_out_launch_keys_comes_to_an_end() -> None:
    """Each that opens nothing counts for the address, though the keys differ."""
    app = site(address=2)
    tried = [ask(app, f"/r/{'x' * 42}{n}/").status_code for n in range(3)]
    assert tried == [401, 401, 429]


def test_probes_and_files_are_not_counted() -> None:
    """Who looks whether Chartside lives must always be told."""
    app = site(address=1)
    ask(app, "/")
    assert [ask(app, path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
    assert ask(app, "/assets/0/icon.svg").status_code == 200


def test_nothing_is_decided_by_a_form_that_is_one_too_many() -> None:
    """It is refused before anything is done."""
    coding = FakeCoding(ready_review())
    app = build_pages(coding, config=replace(build_config(), rates=Rates(launch=1)))
    ask(app, f"/r/{LAUNCH_KEY}/", cookie=True)
    before = coding.review_now
    form = FORM | {"version": before.version, "action": "accept", "code": before.suggestions[0].code}
    answer = app.test_client(use_cookies=False).post(
        f"/r/{LAUNCH_KEY}/decisions", data=form, headers={"Cookie": f"{COOKIE}={BROWSER}"}
    )
    check_refused(answer)
    assert "asks again by itself" not in answer.text  # a form is sent by a person
    assert coding.review_now is before


def test_a_fast_coder_is_not_hindered() -> None:
    """Five requests a second for a minute, which is faster than anybody reads, are all answered by default."""
    limits = Limits(Rates())
    for _ in range(300):
        limits.count_launch("a")  # raises where it is too many


@pytest.mark.parametrize(
    ("proxies", "forwarded", "again"),
    [
        (0, ("198.51.100.1", "198.51.100.2"), 429),  # nobody is believed
        (1, ("198.51.100.1", "198.51.100.2"), 200),
        (1, ("198.51.100.1", "203.0.113.9, 198.51.100.1"), 429),  # what a stranger put before it changes nothing
        (2, ("198.51.100.1, 10.0.0.1", "198.51.100.1, 10.0.0.2"), 429),
    ],
)
def test_only_our_own_proxies_say_who_asks(proxies: int, forwarded: tuple[str, str], again: int) -> None:
    """Of X-Forwarded-For counts what the proxies added that the settings name."""
    app = site(address=1, proxies=proxies)
    first, second = (ask(app, "/", **{"X-Forwarded-For": said}).status_code for said in forwarded)
    assert (first, second) == (200, again)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
    ],
)
def test_one_subscriber_counts_as_one(one: str, other: str, same: bool) -> None:
    """Whoever has an IPv6 network of their own does not get an allowance for each of its addresses."""
    limits = Limits(Rates(address=1))
    limits.count_address(one)
    if not same:
        limits.count_address(other)
        return
    with pytest.raises(TooManyRequests):
        limits.count_address(other)


def test_room_comes_back_and_who_is_gone_is_forgotten() -> None:
    """A minute after the first of those that were counted; nothing is kept of who has not asked for a minute."""
    now = [1000.0]
    counter, limit = InThisProcess(lambda: now[0]), RateLimitItemPerMinute(2)
    assert [counter.hit(limit, "one"), counter.hit(limit, "one"), counter.hit(limit, "one")] == [True, True, False]
    assert counter.get_window_stats(limit, "one").reset_time == 1060
    now[0] += 59.9
    assert not counter.hit(limit, "one")
    now[0] += 0.2
    assert counter.hit(limit, "one")
    assert len(counter) == 1
    now[0] += 61
    assert counter.hit(limit, "other")
    assert len(counter) == 1


def test_hosts_count_together_in_redis(tmp_path: Path, need: Callable[[bool, str], None]) -> None:
    """Two processes with one Redis have one count, in which no launch key can be read; while it is away, two."""
    need(shutil.which("redis-server") is not None, "Redis")
    redis = RedisProcess(tmp_path)
    try:
        one, other = (Limits(Rates(launch=2), redis.url) for _ in range(2))
        one.count_launch("key-of-a-launch")
        other.count_launch("key-of-a-launch")
        with pytest.raises(TooManyRequests):
            one.count_launch("key-of-a-launch")
        kept = redis.everything()
        assert b"launch" in kept
        assert b"key-of-a-launch" not in kept
    finally:
        redis.stop()
    for limits in (one, other):
        limits.count_launch("key-of-a-launch")
        limits.count_launch("key-of-a-launch")
        with pytest.raises(TooManyRequests):
            limits.count_launch("key-of-a-launch")


def test_a_call_of_the_cds_service_is_told_in_json() -> None:
    """By status, header and words, as machines read it."""
    app = site(address=1)
    app.register_blueprint(cds.blueprint(*NEVER_ASKED, TrustedEHRs([HOST]), "http://127.0.0.1:8080"))
    assert ask(app, "/cds-services").status_code == 200
    refused = ask(app, "/cds-services")
    assert (refused.status_code, refused.mimetype) == (429, "application/json")
    assert "more than Chartside answers in a minute" in refused.json["error"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHARTSIDE_LAUNCH_REQUESTS", "0"),
        ("CHARTSIDE_ADDRESS_REQUESTS", "many"),
        ("CHARTSIDE_PROXIES", "-1"),
        ("CHARTSIDE_PROXIES", "²"),
    ],
)
def test_settings_that_make_no_sense_are_named(name: str, value: str) -> None:
    """With what they must be."""
    with pytest.raises(MissingSettings) as refused:
        Config.from_env({name: value})
    assert any(complaint.startswith(f"{name} must be a whole number from") for complaint in refused.value.complaints)


def test_settings_that_are_not_set_are_the_usual_ones() -> None:
    """And those that are set count."""
    complaints: list[str] = []
    assert Rates.from_env({"CHARTSIDE_PROXIES": "1", "CHARTSIDE_LAUNCH_REQUESTS": ""}, complaints) == Rates(proxies=1)
    assert complaints == []
