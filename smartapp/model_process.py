"""The model in a process of its own, watched: ended where it takes too long, started again where it has ended."""

import json
import logging
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from model.document import Document
from model.prediction import Policy, Prediction
from smartapp.inference import Predicts, Refused, document_from_json, document_to_json, to_bytes
from smartapp.jobs import log_without_words

log = logging.getLogger(__name__)

PREDICTION_SECONDS = 45.0  # for one document; what takes longer is not coded
START_SECONDS = 180.0  # to load the model
LONGEST_PAUSE = 60.0  # seconds between two starts; the first follows at once, each further one twice as late
AGAIN = "The model ended and is being started again."


class ModelProcess:
    """`Predicts` by a child, one document at a time; what ends the child fails that document and no other."""

    def __init__(self, load: Callable[[], Predicts], patience: float = PREDICTION_SECONDS) -> None:
        """`load` is called in the child, so it must be importable there."""
        self._load, self._patience = load, patience
        self._child: BaseProcess | None = None
        self._pipe: Connection[bytes, bytes] | None = None
        self._revision = ""
        self._ends, self._not_before = 0, 0.0

    @property
    def revision(self) -> str:
        """Raises Refused in a pause before the next start."""
        self._check_pause()
        return self._revision

    def start(self) -> "ModelProcess":
        """Ends this process as the child ended, where it cannot load the model: it has said why."""
        try:
            self._start()
        except Refused:
            sys.exit(self._child.exitcode or 1 if self._child else 1)
        return self

    def predict(self, document: Document, policy: Policy) -> Prediction:
        """Raises Refused."""
        if self._pipe is None:
            self._check_pause()
            self._start()
        answer = self._ask({"policy": policy.value, "document": document_to_json(document)}, self._patience)
        self._ends = 0
        if "prediction" not in answer:
            raise Refused("The predictor could not code this text.")
        return Prediction.from_json(answer["prediction"])

    def close(self) -> None:
        self._end()

    def _check_pause(self) -> None:
        if time.monotonic() < self._not_before:
            raise Refused(AGAIN)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads that hold locks
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=serve_model, args=(theirs, self._load), daemon=True)
        self._child.start()
        theirs.close()
        self._revision = str(self._ask(None, START_SECONDS)["revision"])

    def _ask(self, question: dict[str, Any] | None, patience: float) -> dict[str, Any]:
        """The child's next message, after the question if there is one."""
        pipe = self._pipe
        assert pipe is not None
        try:
            if question is not None:
                pipe.send_bytes(to_bytes(question))
            if pipe.poll(patience):
                answer: dict[str, Any] = json.loads(pipe.recv_bytes())
                return answer
            said = "The notes took the predictor too long."
        except (EOFError, OSError):
            said = "The model ended while it read these notes."
            if self._child is not None:
                self._child.join(1)  # it goes by itself, and how tells why
        log.error("the model is ended: %s", said)
        self._end()
        self._ends += 1
        if self._ends > 1:
            self._not_before = time.monotonic() + min(LONGEST_PAUSE, 2.0 ** (self._ends - 2))
        raise Refused(said)

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._child is not None:
            self._child.kill()
            self._child.join()


def serve_model(pipe: "Connection[bytes, bytes]", load: Callable[[], Predicts]) -> None:
    """The child's life: loads, says which revision, codes what it is asked; ends when its parent is gone."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)  # the parent decides, and lets what is under way end
    predictor = load()
    pipe.send_bytes(to_bytes({"revision": predictor.revision}))
    while True:
        try:
            question = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        pipe.send_bytes(to_bytes(_answer(predictor, question)))


def _answer(predictor: Predicts, question: dict[str, Any]) -> dict[str, Any]:
    try:
        document, policy = document_from_json(question["document"]), Policy(question["policy"])
        return {"prediction": predictor.predict(document, policy).to_json()}
    except Exception as error:
        log_without_words("a prediction failed", error)
        return {"refused": True}
