"""A predictor that texts can end: "crash" kills its process, "hang" never comes back."""

import os
import signal
import time

from fake_predictor import FakePredictor

from model.document import Document
from model.prediction import Policy, Prediction


class FragilePredictor(FakePredictor):
    def predict(self, document: Document, policy: Policy) -> Prediction:
        if "crash" in document.text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "hang" in document.text:
            time.sleep(600)
        return super().predict(document, policy)


def cannot_load() -> FragilePredictor:
    raise SystemExit(2)
