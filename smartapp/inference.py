"""The way to the predictor, a process of its own: JSON over a Unix socket; an answer or a refusal, in time.

Web processes use PredictorClient and never load the model; `serve` is the whole life of the other process.
"""

import json
import logging
import signal
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from datetime import date
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from threading import BoundedSemaphore, Event, Lock, Thread
from typing import Any, Protocol, TypeAlias

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from model.document import Document, Setting
from model.prediction import Policy, Prediction
from smartapp import metrics
from smartapp.errors import NotesTooLong, PredictorBusy, PredictorUnavailable
from smartapp.jobs import log_without_words

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 64 * 1024 * 1024  # bytes
QUEUE = 8  # predictions asked for at one time, the one under way among them; further ones are refused at once
CONNECTIONS = 32
GREETING_SECONDS = 5.0  # for a peer that connects and says nothing
LAST_PREDICTIONS_SECONDS = 30.0  # for those asked for, on being told to stop
LONGEST_TEXT = 1_000_000  # characters of an encounter's notes; a long stay has a tenth of that
BUSY = "The predictor is busy with other charts."
TOO_LONG = f"The notes have more than {LONGEST_TEXT:,} characters, the most that the predictor reads."
REFUSALS: Mapping[str, type[PredictorUnavailable]] = {BUSY: PredictorBusy, TOO_LONG: NotesTooLong}

Wire: TypeAlias = "Connection[bytes, bytes]"


class Predicts(Protocol):
    """The two things that are asked of `model.predictor.Predictor`."""

    @property
    def revision(self) -> str: ...
    def predict(self, document: Document, policy: Policy) -> Prediction: ...


class Refused(Exception):
    """A document is not coded; says why, in words for a page."""


class PredictorClient:
    """Asks the predictor's process; every way of not getting an answer is PredictorUnavailable."""

    def __init__(self, path: Path, keys: Sequence[str], timeout: float = 60.0) -> None:
        self._path, self._authkey, self._timeout = path, authkey_from(keys), timeout

    def predict(self, document: Document, policy: Policy) -> Prediction:
        with metrics.PREDICTION_SECONDS.time(), metrics.PREDICTIONS.labels("failed").count_exceptions():
            prediction = self._predict(document, policy)
        metrics.PREDICTIONS.labels("made").inc()
        return prediction

    def _predict(self, document: Document, policy: Policy) -> Prediction:
        answer = self._ask({"do": "predict", "policy": policy.value, "document": document_to_json(document)})
        try:
            prediction = Prediction.from_json(answer["prediction"])
        except (KeyError, TypeError, ValueError):
            raise PredictorUnavailable("The predictor's answer is of another version of Chartside.") from None
        metrics.PREDICTOR_WAIT_SECONDS.observe(float(answer.get("waited", 0)))
        if prediction.document_sha256 != document.sha256:
            raise PredictorUnavailable("The predictor answered about another text.")
        return prediction

    def revision(self) -> str:
        """The revision of the model that is loaded; asking is a check of health, answered while it predicts, too."""
        return str(self._ask({"do": "ping"}).get("revision"))

    def waiting(self) -> int:
        """Predictions under way or waiting; as quick as `revision`."""
        return int(self._ask({"do": "ping"}).get("waiting", 0))

    def _ask(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            with self._connect() as wire:
                answer_challenge(wire, self._authkey)
                deliver_challenge(wire, self._authkey)
                wire.send_bytes(to_bytes(question))
                answer = json.loads(wire.recv_bytes(LONGEST_MESSAGE))
        except (FileNotFoundError, ConnectionRefusedError):
            raise PredictorUnavailable("The predictor is not running.") from None
        except (BlockingIOError, TimeoutError):
            raise PredictorUnavailable("The predictor did not answer in time.") from None
        except (AuthenticationError, AssertionError):  # the second: what answers speaks another language
            raise PredictorUnavailable("The predictor was started with other secret keys.") from None
        except (OSError, EOFError, ValueError):
            raise PredictorUnavailable("The predictor stopped before it answered.") from None
        if not isinstance(answer, dict) or "refused" in answer:
            said = str(answer["refused"]) if isinstance(answer, dict) else ""
            raise REFUSALS.get(said, PredictorUnavailable)(said)
        return answer

    def _connect(self) -> Wire:
        caller = socket.socket(socket.AF_UNIX)
        try:
            caller.settimeout(self._timeout)
            caller.connect(str(self._path))
        except OSError:
            caller.close()
            raise
        return wire_of(caller, self._timeout)


class PredictorServer:
    """One thread a connection, one prediction at a time, a short queue before it. No text of a document is logged."""

    def __init__(self, predictor: Predicts, authkey: bytes) -> None:
        self._predictor, self._authkey = predictor, authkey
        self._places = BoundedSemaphore(QUEUE)
        self._asked: set[Wire] = set()  # who has a place
        self._connections = BoundedSemaphore(CONNECTIONS)
        self._one_at_a_time = Lock()

    def run(self, listener: socket.socket, stop: Event) -> None:
        """Until `stop`; the predictions asked for by then have some time to end."""
        listener.settimeout(0.2)
        while not stop.is_set():
            try:
                caller, _ = listener.accept()
            except TimeoutError:
                continue
            if self._connections.acquire(blocking=False):
                Thread(target=self._serve, args=(caller,), daemon=True).start()
            else:
                caller.close()
        give_up = time.monotonic() + LAST_PREDICTIONS_SECONDS
        while self._asked and time.monotonic() < give_up:
            time.sleep(0.05)

    def _serve(self, caller: socket.socket) -> None:
        try:
            with wire_of(caller, GREETING_SECONDS) as wire:
                deliver_challenge(wire, self._authkey)
                answer_challenge(wire, self._authkey)
                question = json.loads(wire.recv_bytes(LONGEST_MESSAGE))
                wire.send_bytes(to_bytes(self._answer(question, wire)))
        except (OSError, EOFError):
            return  # the caller is gone
        except Exception as error:
            log_without_words("a question to the predictor could not be read", error)
        finally:
            self._connections.release()

    def _answer(self, question: Mapping[str, Any], wire: Wire) -> Mapping[str, Any]:
        if question["do"] == "ping":
            return self._pong()
        document, policy = document_from_json(question["document"]), Policy(question["policy"])
        if len(document.text) > LONGEST_TEXT:
            return {"refused": TOO_LONG}
        if not self._places.acquire(blocking=False):
            return {"refused": BUSY}
        self._asked.add(wire)
        asked = time.monotonic()
        try:
            with self._one_at_a_time:
                if wire.poll():  # the caller says nothing more, so this is its end: it no longer waits
                    raise EOFError
                waited = time.monotonic() - asked
                return {"prediction": self._predictor.predict(document, policy).to_json(), "waited": waited}
        except EOFError:
            raise
        except Refused as refused:
            return {"refused": str(refused)}
        except Exception as error:
            log_without_words("a prediction failed", error)
            return {"refused": "The predictor could not code this text."}
        finally:
            self._asked.discard(wire)
            self._places.release()

    def _pong(self) -> Mapping[str, Any]:
        try:
            return {"revision": self._predictor.revision, "waiting": len(self._asked)}
        except Refused as refused:
            return {"refused": str(refused)}


def serve(predictor: Predicts, path: Path, keys: Sequence[str]) -> None:
    """Answers until SIGTERM or Ctrl-C, in the main thread. The socket appears when it is ready to answer."""
    stop = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    predictor.predict(Document("warm-up", "Hypertension."), Policy.ENCOUNTER)  # the first one is the slowest
    with listen(path) as listener:
        try:
            PredictorServer(predictor, authkey_from(keys)).run(listener, stop)
        finally:
            path.unlink(missing_ok=True)


def listen(path: Path) -> socket.socket:
    """A socket file for its owner only; takes the place of one that a killed process left behind."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            path.unlink(missing_ok=True)
        else:
            raise SystemExit(f"another predictor already listens at {path}")
    listener = socket.socket(socket.AF_UNIX)
    staged = path.with_name(f"{path.name}.new")  # nobody meets the file before it has its mode
    staged.unlink(missing_ok=True)
    listener.bind(str(staged))
    staged.chmod(0o600)
    listener.listen(CONNECTIONS)
    staged.rename(path)
    return listener


def authkey_from(keys: Sequence[str]) -> bytes:
    """Both processes have the application's secret keys; this one, made from the first, opens nothing else."""
    return HKDF(SHA256(), 32, salt=None, info=b"chartside predictor socket").derive(keys[0].encode())


def wire_of(caller: socket.socket, timeout: float) -> Wire:
    """The socket as a connection on which no read and no write waits longer than the time-out."""
    caller.settimeout(None)
    limit = struct.pack("ll", int(timeout), int(timeout % 1 * 1_000_000))
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    return Connection(caller.detach())


def to_bytes(message: Mapping[str, Any]) -> bytes:
    """ASCII, so that even half a surrogate pair in a note arrives as it was."""
    return json.dumps(message, separators=(",", ":")).encode("ascii")


def document_to_json(document: Document) -> dict[str, Any]:
    day = document.date_of_service
    return {
        "id": document.id,
        "text": document.text,
        "setting": document.setting.value,
        "date_of_service": day.isoformat() if day else None,
    }


def document_from_json(value: Mapping[str, Any]) -> Document:
    day = value["date_of_service"]
    return Document(value["id"], value["text"], Setting(value["setting"]), date.fromisoformat(day) if day else None)
