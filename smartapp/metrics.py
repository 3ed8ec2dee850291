"""What operations count. No label comes from a chart, an address or a person: names of routes, kinds of outcome."""

import os

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REQUESTS = Counter("chartside_requests", "Requests answered.", ["route", "status"])
REQUEST_SECONDS = Histogram("chartside_request_seconds", "How long an answer took.", ["route"])
EHR_CALLS = Counter("chartside_ehr_calls", "Calls of an EHR, by class of its answer.", ["method", "outcome"])
EHR_SECONDS = Histogram("chartside_ehr_call_seconds", "How long the EHR took to answer.", ["method"])
PREDICTIONS = Counter("chartside_predictions", "Predictions asked for.", ["outcome"])
PREDICTION_SECONDS = Histogram("chartside_prediction_seconds", "How long a prediction took, waiting included.")
PREDICTOR_WAIT_SECONDS = Histogram(
    "chartside_predictor_wait_seconds", "How long a prediction waited for those before it."
)
JOBS_WAITING = Gauge("chartside_jobs_waiting", "Charts waiting to be read or written.", multiprocess_mode="livesum")
JOB_WAIT_SECONDS = Histogram("chartside_job_wait_seconds", "How long a chart waited until somebody began with it.")
QUEUE_LENGTH = Gauge(
    "chartside_queue_length", "Charts in the broker's queue, waiting or under way.", multiprocess_mode="mostrecent"
)
WORKERS = Gauge(
    "chartside_workers", "Workers that take charts from the broker's queue.", multiprocess_mode="mostrecent"
)
PREDICTOR_UP = Gauge("chartside_predictor_up", "Whether the predictor answers.", multiprocess_mode="mostrecent")
PREDICTOR_WAITING = Gauge(
    "chartside_predictor_waiting",
    "Predictions under way or waiting in the predictor.",
    multiprocess_mode="mostrecent",
)


def as_text() -> bytes:
    """All of it in Prometheus' text format; of every web process, where they share a folder for it."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
