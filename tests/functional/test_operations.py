"""What those who run Chartside ask it: is it alive, is it ready, what does it count."""

import re

from site_browser import Browser
from whole_site import Site


def test_alive_and_ready(site: Site) -> None:
    """Everything is named; what is missing makes it 503, unless the one who asks can do without."""
    browser = site.browser()
    assert browser.get("/healthz").json == {"status": "ok"}
    checks = {"database": "ok", "sessions": "ok", "predictor": "ok", "disk": "ok", "audit": "ok"}
    assert browser.get("/readyz").json == {"ready": True, "checks": checks}
    with site.predictor.down():
        away = browser.get("/readyz")
        assert away.status_code == 503
        assert away.json == {"ready": False, "checks": checks | {"predictor": "The predictor is not running."}}
        assert browser.get("/readyz?exclude=predictor").status_code == 200
        assert browser.get("/healthz").status_code == 200
        assert counted(browser)["chartside_predictor_up"] == 0


def test_what_is_counted(site: Site) -> None:
    """Answers by route and status, calls of the EHR by outcome, predictions; labels are of our own making."""
    visit, browser = site.visit(), site.browser()
    before = counted(browser)
    site.open(visit).accept("I10").sign()
    browser.get("/nothing/here")
    after = counted(browser)

    def grown(series: str) -> float:
        return after.get(series, 0) - before.get(series, 0)

    assert grown("chartside_predictions_total") == 1
    assert grown("chartside_prediction_seconds_count") == 1
    assert grown('chartside_ehr_calls_total{method="GET",outcome="2xx"}') >= 3
    assert grown('chartside_ehr_calls_total{method="POST",outcome="2xx"}') >= 1
    assert grown('chartside_requests_total{route="none",status="404"}') == 1
    assert grown('chartside_requests_total{route="launch.callback",status="303"}') == 1
    assert after["chartside_jobs_waiting"] == 0
    assert after["chartside_predictor_up"] == 1
    assert after["chartside_predictor_waiting"] == 0
    routes = set(re.findall(r'route="([^"]*)"', " ".join(filter(grown, after))))  # other apps of this process count too
    assert routes <= {rule.endpoint for rule in site.app.url_map.iter_rules()} | {"none"}


def test_an_ehr_that_does_not_answer_is_counted(site: Site) -> None:
    """As a call without an answer."""
    opened = site.open(site.visit())
    series = 'chartside_ehr_calls_total{method="GET",outcome="no answer"}'
    before = counted(opened.browser).get(series, 0)
    with site.ehr_down():
        opened.read_anew()
    assert counted(opened.browser)[series] > before


def test_every_answer_names_its_request(site: Site) -> None:
    """By an id of our own, never the one that came along; another for each."""
    browser = site.browser()
    answers = [browser.request("GET", path, headers={"X-Request-ID": "MRN-1"}) for path in ("/", "/", "/nothing")]
    names = {answer.headers["X-Request-ID"] for answer in answers}
    assert len(names) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)


def counted(browser: Browser) -> dict[str, float]:
    """The series of /metrics, those of predictions and EHR calls summed where a test asks for the whole."""
    answer = browser.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    rows = [line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#")]
    series = {name: float(value) for name, value in rows}
    series["chartside_predictions_total"] = sum(v for n, v in series.items() if n.startswith("chartside_predictions_t"))
    return series
