"""Signs the review of a database and dies of SIGKILL at a given request to the EHR, for the tests of faults."""

import os
import signal
import sys

from coding_bench import ANA, FakeCodeBook, PredictorInProcess
from sample_chart import key
from signing_at_random import on

from launch.vault import Vault
from smartapp import utc_now
from smartapp.coding import Coding
from smartapp.fhir.client import FHIRClient
from smartapp.jobs import Jobs
from smartapp.reviews import Rung
from smartapp.store import ReviewStore, connect

database, secret, base_url, requests, rung = sys.argv[1:]
left = int(requests)


def token(refresh: bool) -> str:
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return "good-token"


store = ReviewStore(connect(database), Vault([secret]))
coding = Coding(store, PredictorInProcess(), FakeCodeBook(), Jobs(), utc_now, lambda _: on(Rung(rung)))
here = key(base_url)
coding.sign_off(here, coding.review(here).version, ANA, FHIRClient(base_url, token, patient="p1"))
